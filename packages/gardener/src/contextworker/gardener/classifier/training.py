"""Training of a classifier, and its score on products that it has not seen."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from contextworker.gardener.classifier.calibration import calibrate
from contextworker.gardener.classifier.examples import Example, check
from contextworker.gardener.classifier.model import Classified, Classifier, scores
from contextworker.gardener.classifier.parts import Parts
from contextworker.gardener.classifier.ridge import solve
from contextworker.gardener.classifier.scores import Scores, score
from contextworker.gardener.classifier.targets import targets_of
from contextworker.gardener.classifier.views import WEIGHTS
from contextworker.gardener.classifier.vocabulary import learn
from contextworker.gardener.classifier.weights import EXAMPLES_CELLS, most_features, weigh

Progress = Callable[[str, int, int], None]

PRECISION: Final = 0.95
FOLDS: Final = 5


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def train(
    examples: Sequence[Example],
    *,
    seed: int = 0,
    precision: float = PRECISION,
    progress: Progress = _silent,
    views: Mapping[str, float] = WEIGHTS,
) -> Classifier:
    """Train a classifier.

    Examples are held in memory with their features, some 10 kB each; up to 12,500 are solved
    together, which takes 4 bytes times the square of their number, and no more at once.

    Args:
        examples: 20 to 100,000, of 2 to 10,000 categories. A category of a single example is
            learnt too, but what is said of unseen examples counts against it.
        seed: Chooses which are solved together, of more.
        precision: Part of the products at or above the threshold that is right at the top level.
        progress: Is told a stage, what is done of it and how much there is.
        views: What is looked at, and the share of each.

    Raises:
        InvalidInputError: There are too few or too many examples, or all have one category.
    """
    check(examples)
    products = [example.text for example in examples]
    targets, truth = targets_of([example.path for example in examples], most=EXAMPLES_CELLS)
    progress("reading", 0, len(examples))
    most = most_features(len(examples), targets.width)
    vocabulary = learn(products, views, most=most)
    matrix = vocabulary.matrix(products)
    progress("reading", len(examples), len(examples))
    aims = targets.codes[truth]
    shift = aims.mean(axis=0)
    solution = solve(
        matrix, aims - shift, seed=seed, progress=lambda *done: progress("solving", *done)
    )
    unseen = scores(solution.unseen + shift, targets)
    return Classifier(
        Parts(
            vocabulary,
            weigh(matrix, solution.duals, shift),
            targets,
            calibrate(unseen, truth, targets, precision=precision),
        )
    )


def cross_validate(
    examples: Sequence[Example],
    *,
    folds: int = FOLDS,
    seed: int = 0,
    precision: float = PRECISION,
    progress: Progress = _silent,
    views: Mapping[str, float] = WEIGHTS,
) -> Scores:
    """Score classifiers on examples that they were not trained on.

    Raises:
        InvalidInputError: There are too few or too many examples, or all have one category.
    """
    check(examples)
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(examples))
    answers: list[Classified | None] = [None] * len(examples)
    thresholds: list[float] = [1.0] * len(examples)
    for fold in range(folds):
        progress("cross-validating", fold, folds)
        held_out = set(order[fold::folds].tolist())
        seen = [example for place, example in enumerate(examples) if place not in held_out]
        classifier = train(seen, seed=seed, precision=precision, views=views)
        places = sorted(held_out)
        found = classifier.classify([examples[place].text for place in places])
        for place, one in zip(places, found, strict=True):
            answers[place] = one
            thresholds[place] = classifier.threshold
    progress("cross-validating", folds, folds)
    done = [one for one in answers if one is not None]
    return score([example.path for example in examples], done, thresholds, folds=folds)
