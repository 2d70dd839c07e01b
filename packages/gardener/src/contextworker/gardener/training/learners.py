"""How the model of each task learns, answers and is scored: what training is the same around."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contextworker.gardener.training.examples import Labelled

FOLDS: Final = 5

Step = Callable[[str, int, int | None], None]
"""Is told how far a training is: the stage, the steps done, the steps in it where known."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """A trained model."""

    artefact: bytes
    version: str


class Learner(ABC):
    """Trains models of one task; the same examples give the same model."""

    @abstractmethod
    def check(self, examples: Sequence[Labelled]) -> None:
        """Refuse too few examples.

        Raises:
            InvalidInputError: Says how many are needed.
        """

    @abstractmethod
    def held_out(self, examples: Sequence[Labelled], step: Step) -> list[Any]:
        """Return an answer per example, by a model that has not seen it: cross-validation."""

    @abstractmethod
    def train(self, examples: Sequence[Labelled], step: Step) -> Learnt:
        """Learn from all examples."""

    @abstractmethod
    def answers(self, artefact: bytes, examples: Sequence[Labelled]) -> list[Any]:
        """Return a trained model's answers.

        Raises:
            PermanentError: The artefact is no model of the task.
        """

    @abstractmethod
    def right(self, example: Labelled, answer: Any) -> float:
        """Return how much of an answer is right, from 0 to 1."""

    @abstractmethod
    def figures(self, examples: Sequence[Labelled], answers: Sequence[Any]) -> dict[str, Any]:
        """Return what a person wants to know of how good the answers are."""


def learner_of(task: str) -> Learner:
    """Return the learner of a task."""
    # Not at the top: each brings numerical libraries that only its own training needs.
    if task == "ner":
        from contextworker.gardener.training.names import NameLearner  # noqa: PLC0415

        return NameLearner()
    from contextworker.gardener.training.categories import CategoryLearner  # noqa: PLC0415

    return CategoryLearner()
