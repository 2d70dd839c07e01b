"""What asking a language model comes to."""

from collections.abc import Mapping
from dataclasses import dataclass

from contextworker.gardener.enrichers.base import TaskResult


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
