"""What asking a language model comes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contextworker.gardener.enrichers.base import TaskResult

NO_ANSWER: Final = "no answer from "
"""How a result's reason begins, before the model's name, where all attempts came to nothing."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The results for some products, in their order; None for one that was not asked about.

    A result is `done` or, where the model could not say or kept failing, `review` with the reason.
    """

    results: tuple[Mapping[str, TaskResult] | None, ...]
    tokens: int
    cost_usd: float
    at_limit: bool
    """Whether asking about the rest could have passed the budget, so it was not done."""
