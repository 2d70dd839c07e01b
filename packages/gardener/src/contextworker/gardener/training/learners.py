"""How the model of each task learns, answers and is scored: what training is the same around."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
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


def level_scores(
    truths: Sequence[Sequence[str]], answers: Sequence[Sequence[str]]
) -> Mapping[str, float]:
    """Return the weighted F1 of each level of a hierarchy, and the mean over the levels.

    An answer that ends above a level is wrong there; where the truth ends above it, the level is
    the one it ends at.
    """
    levels = max(map(len, truths), default=0)
    scores = {
        f"level {level}": weighted_f1(
            [_at(path, level) for path in truths], [_at(path, level) for path in answers]
        )
        for level in range(1, levels + 1)
    }
    return scores | {"mean": sum(scores.values()) / levels if levels else 0.0}


def weighted_f1(truths: Sequence[str], answers: Sequence[str]) -> float:
    """Return the F1 of every class, weighted by how often it is the truth."""
    expected: dict[str, int] = {}
    found: dict[str, int] = {}
    right: dict[str, int] = {}
    for truth, answer in zip(truths, answers, strict=True):
        expected[truth] = expected.get(truth, 0) + 1
        found[answer] = found.get(answer, 0) + 1
        if truth == answer:
            right[truth] = right.get(truth, 0) + 1
    weighted = sum(
        count * 2 * right.get(name, 0) / (count + found.get(name, 0))
        for name, count in expected.items()
    )
    return weighted / len(truths) if truths else 0.0


def _at(path: Sequence[str], level: int) -> str:
    return "\0".join(path[:level])
