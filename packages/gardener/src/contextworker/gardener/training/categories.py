"""Training of task `taxonomy`: the classifier."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.classifier import (  # type: ignore[import-not-found]
    Classifier,
    train,
)
from contextworker.gardener.training.examples import Labelled
from contextworker.gardener.training.learners import FOLDS, Learner, Learnt, Step, level_scores

_LEAST: Final = 20
_LEAST_CATEGORIES: Final = 2
_EACH: Final = 2

Path = tuple[str, ...]


class CategoryLearner(Learner):
    """Learns categories from all that is known of a product."""

    def check(self, examples: Sequence[Labelled]) -> None:
        """Refuse where nothing could be told apart."""
        counts = Counter(_path(example) for example in examples)
        often = sum(count >= _EACH for count in counts.values())
        if len(examples) < _LEAST or often < _LEAST_CATEGORIES:
            raise InvalidInputError(
                f"a model of categories needs at least {_LEAST} examples, and {_EACH} of each of "
                f"{_LEAST_CATEGORIES} categories; there are {len(examples)} examples of "
                f"{len(counts)} categories: accept or correct more products, or give a file of "
                "examples"
            )

    def held_out(self, examples: Sequence[Labelled], step: Step) -> list[Path]:
        """Classify each product by a classifier that has not seen it."""
        answers: list[Path] = [()] * len(examples)
        folds = [int(example.same_text, 16) % FOLDS for example in examples]
        for fold in range(FOLDS):
            step("cross-validating", fold, FOLDS)
            seen = [one for one, its in zip(examples, folds, strict=True) if its != fold]
            places = [place for place, its in enumerate(folds) if its == fold]
            found = _classified(_train(seen), [examples[place] for place in places])
            for place, path in zip(places, found, strict=True):
                answers[place] = path
        return answers

    def train(self, examples: Sequence[Labelled], step: Step) -> Learnt:
        """Learn from all products."""
        step("training", 0, 1)
        classifier = _train(examples)
        return Learnt(classifier.dumps(), classifier.version)

    def answers(self, artefact: bytes, examples: Sequence[Labelled]) -> list[Path]:
        """Classify products by a trained classifier."""
        return _classified(Classifier.loads(artefact), examples)

    def right(self, example: Labelled, answer: Path) -> float:
        """Return the part of the levels that is right."""
        truth = _path(example)
        levels = range(1, max(len(truth), len(answer)) + 1)
        return sum(truth[:level] == answer[:level] for level in levels) / len(levels)

    def figures(self, examples: Sequence[Labelled], answers: Sequence[Path]) -> dict[str, Any]:
        """Return the weighted F1 of each level."""
        return {"weighted_f1": dict(level_scores([_path(one) for one in examples], answers))}


def _path(example: Labelled) -> Path:
    return tuple(example.label["path"])


def _train(examples: Sequence[Labelled]) -> Any:
    return train([(example.text, _path(example)) for example in examples])


def _classified(classifier: Any, examples: Sequence[Labelled]) -> list[Path]:
    return [tuple(one.path) for one in classifier.classify([example.text for example in examples])]
