"""Training of task `taxonomy`: the classifier."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.classifier import Classified, Classifier, Example, train
from contextworker.gardener.classifier.examples import LEAST_EXAMPLES, Path
from contextworker.gardener.classifier.scores import score
from contextworker.gardener.training.examples import Labelled
from contextworker.gardener.training.learners import FOLDS, Learner, Learnt, Step

_LEAST: Final = LEAST_EXAMPLES * FOLDS // (FOLDS - 1)
"""Of which any fold left out leaves enough."""
_LEAST_CATEGORIES: Final = 2
_OF_EACH: Final = 2

_Answer = tuple[Classified, float]
"""What a classifier says of a product, and from which confidence on it is sure."""


class CategoryLearner(Learner):
    """Learns categories from all that is known of a product."""

    def check(self, examples: Sequence[Labelled]) -> None:
        """Refuse where nothing could be told apart."""
        counts = Counter(_path(example) for example in examples)
        often = sum(count >= _OF_EACH for count in counts.values())
        if len(examples) < _LEAST or often < _LEAST_CATEGORIES:
            raise InvalidInputError(
                f"a model of categories needs at least {_LEAST} examples, and {_OF_EACH} of each "
                f"of {_LEAST_CATEGORIES} categories; there are {len(examples)} of {len(counts)} "
                "categories: accept or correct more products, or give a file of examples"
            )

    def held_out(self, examples: Sequence[Labelled], step: Step) -> list[_Answer]:
        """Classify each product by a classifier that has not seen it."""
        answers: dict[int, _Answer] = {}
        folds = _folds(examples)
        for fold in range(FOLDS):
            step("cross-validating", fold, FOLDS)
            seen = [one for one, its in zip(examples, folds, strict=True) if its != fold]
            places = [place for place, its in enumerate(folds) if its == fold]
            found = _classified(train(_examples(seen)), [examples[place] for place in places])
            answers |= dict(zip(places, found, strict=True))
        return [answers[place] for place in range(len(examples))]

    def train(self, examples: Sequence[Labelled], step: Step) -> Learnt:
        """Learn from all products."""
        classifier = train(
            _examples(examples), progress=lambda _, done, total: step("training", done, total)
        )
        return Learnt(classifier.dumps(), classifier.version)

    def answers(self, artefact: bytes, examples: Sequence[Labelled]) -> list[_Answer]:
        """Classify products by a trained classifier."""
        return _classified(Classifier.loads(artefact), examples)

    def right(self, example: Labelled, answer: _Answer) -> float:
        """Return the part of the levels that is right."""
        truth, found = _path(example), answer[0].path
        levels = range(1, max(len(truth), len(found)) + 1)
        return sum(truth[:level] == found[:level] for level in levels) / len(levels)

    def figures(self, examples: Sequence[Labelled], answers: Sequence[_Answer]) -> dict[str, Any]:
        """Return the weighted F1 of each level, and how much is done and how much of that right."""
        scores = score(
            [_path(example) for example in examples],
            [found for found, _ in answers],
            [threshold for _, threshold in answers],
            folds=FOLDS,
        )
        return {
            "weighted_f1": {
                **{
                    f"level {level}": f1 / 100
                    for level, f1 in enumerate(scores.weighted_f1, start=1)
                },
                "mean": scores.average / 100,
            },
            "done": {"share": scores.done_share, "right": scores.done_right},
        }


def _path(example: Labelled) -> Path:
    return tuple(example.label["path"])


def _examples(examples: Sequence[Labelled]) -> list[Example]:
    return [Example(example.text, _path(example)) for example in examples]


def _classified(classifier: Classifier, examples: Sequence[Labelled]) -> list[_Answer]:
    found = classifier.classify([example.text for example in examples])
    return [(one, classifier.threshold) for one in found]


def _folds(examples: Sequence[Labelled]) -> list[int]:
    """Return each example's fold: the same every time, and each category's spread over all."""
    order = sorted(
        range(len(examples)), key=lambda place: (_path(examples[place]), examples[place].same_text)
    )
    folds = [0] * len(examples)
    for rank, place in enumerate(order):
        folds[place] = rank % FOLDS
    return folds
