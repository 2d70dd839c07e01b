"""How well categories are learnt: `gardener.py taxonomy`.

MWPD2020, task 2: products of many shops with GPC categories of three levels. Trained on
`train.jsonl` alone. Weighted F1 by scikit-learn, per level and on average; on `validation.jsonl`,
which no training sees, and on the products of `train.jsonl`, each left out of the training that
says what it is. `--score FILE` scores another file of the same shape, and nothing else.

`--ablation` shows what each idea added. `--folds N` adds cross-validation, threshold and all.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# What is measured is one core, and NumPy reads this when it is first imported.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score  # type: ignore[import-untyped]

from contextworker.gardener.classifier import Classified, Classifier, Example, cross_validate, train
from contextworker.gardener.classifier.ridge import solve
from contextworker.gardener.classifier.targets import Targets, targets_of
from contextworker.gardener.classifier.views import WEIGHTS
from contextworker.gardener.classifier.vocabulary import learn
from contextworker.gardener.enrichers.base import ProductText

DATA = Path(__file__).parents[3] / "shared" / "data" / "mwpd"
LEVELS = ("lvl1", "lvl2", "lvl3")
ROUNDS = 5
STEPS = (
    ("words of the name", ("name: words",)),
    ("+ characters of the name", ("name: characters",)),
    ("+ the shop's own category", ("category: words",)),
    ("+ host and path of the page", ("host", "url: characters")),
    ("+ heads of the name", ("name: heads",)),
    ("+ words of all texts together", ("all: words",)),
)

Paths = Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Speed:
    """Of one core, medians."""

    train_s: float
    per_second: float
    model_mb: float
    memory_mb: float


def read(path: Path) -> list[Example]:
    """Read products with their categories."""
    with path.open(encoding="utf-8") as lines:
        return [_example(json.loads(line)) for line in lines]


def weighted_f1(truth: Paths, found: Paths) -> list[float]:
    """Return the weighted F1 of each level, and their average."""
    levels = [
        100
        * f1_score(
            [path[level] for path in truth],
            [path[level] for path in found],
            average="weighted",
            zero_division=0,
        )
        for level in range(len(LEVELS))
    ]
    return [*levels, statistics.mean(levels)]


def show_ablation(seen: Sequence[Example], unseen: Sequence[Example]) -> None:
    """Print what each idea added: views of a product, then the hierarchy."""
    targets, truth = targets_of([example.path for example in seen], most=10**9)
    leaves = np.eye(len(targets.paths), dtype=np.float32)
    print(
        "\n| | left out: level 1 | 2 | 3 | average | validation: level 1 | 2 | 3 | average |"
        "\n|---|---|---|---|---|---|---|---|---|"
    )
    views: dict[str, float] = {}
    for name, more in STEPS:
        views |= {view: WEIGHTS[view] for view in more}
        _show_step(name, views, leaves[truth], seen=seen, unseen=unseen, targets=targets)
    _show_step(
        "+ the hierarchy", WEIGHTS, targets.codes[truth], seen=seen, unseen=unseen, targets=targets
    )


def _show_step(
    name: str,
    views: Mapping[str, float],
    aims: NDArray[np.float32],
    *,
    seen: Sequence[Example],
    unseen: Sequence[Example],
    targets: Targets,
) -> None:
    vocabulary = learn([example.text for example in seen], views, most=None)
    matrix = vocabulary.matrix([example.text for example in seen])
    shift = aims.mean(axis=0)
    solution = solve(matrix, aims - shift, seed=0, progress=lambda *_: None)
    others = vocabulary.matrix([example.text for example in unseen])
    scores = others @ (matrix.T @ solution.duals) + shift
    figures = [
        *weighted_f1([it.path for it in seen], _best(solution.unseen + shift, targets)),
        *weighted_f1([it.path for it in unseen], _best(scores, targets)),
    ]
    print(f"| {name} | {' | '.join(f'{figure:.2f}' for figure in figures)} |", flush=True)


def _best(scores: NDArray[np.float32], targets: Targets) -> Paths:
    return [targets.paths[number] for number in scores.argmax(axis=1)]


def show_f1(name: str, truth: Sequence[Example], found: Sequence[Classified]) -> None:
    """Print the weighted F1 of a classifier."""
    figures = weighted_f1([it.path for it in truth], [it.path for it in found])
    print(
        f"\n| weighted F1 | level 1 | 2 | 3 | average |\n|---|---|---|---|---|\n| {name} ", end=""
    )
    print(f"| {' | '.join(f'{figure:.2f}' for figure in figures)} |")


def show_calibration(
    truth: Sequence[Example], found: Sequence[Classified], threshold: float
) -> None:
    """Print how sure the classifier is, and how right."""
    done = [
        (it.path, one.path)
        for it, one in zip(truth, found, strict=True)
        if one.confidence >= threshold
    ]
    right = [
        sum(path[:level] == said[:level] for path, said in done) / len(done)
        for level in range(1, len(LEVELS) + 1)
    ]
    print(
        "\n| threshold | done | of these right at level 1 | 2 | 3 | in review |"
        "\n|---|---|---|---|---|---|\n"
        f"| {threshold:.3f} | {len(done) / len(truth):.1%} "
        f"| {' | '.join(f'{share:.1%}' for share in right)} "
        f"| {1 - len(done) / len(truth):.1%} |"
    )
    print("\n| said to be right at level 1 | products | said, on average | right |")
    print("|---|---|---|---|")
    for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 0.99), (0.99, 1)):
        some = [
            (one.confidence, one.path[0] == it.path[0])
            for it, one in zip(truth, found, strict=True)
            if low <= one.confidence < high
        ]
        if some:
            said, hits = (statistics.mean(column) for column in zip(*some, strict=True))
            print(f"| {low:.0%} to {high:.0%} | {len(some)} | {said:.1%} | {hits:.1%} |")


def measure_speed(
    seen: Sequence[Example], unseen: Sequence[Example], rounds: int
) -> tuple[Classifier, Speed]:
    """Train and classify, several times over; CPU time, so that neighbours do not count."""
    products = [example.text for example in unseen]
    trained, classified = [], []
    for _ in range(rounds):
        start = time.process_time()
        artefact = train(seen).dumps()
        trained.append(time.process_time() - start)
    classifier = Classifier.loads(artefact)
    classifier.classify(products[:1])
    for _ in range(rounds):
        start = time.process_time()
        classifier.classify(products)
        classified.append(len(products) / (time.process_time() - start))
    return classifier, Speed(
        statistics.median(trained),
        statistics.median(classified),
        len(artefact) / 1e6,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    )


def main(arguments: Sequence[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="gardener.py taxonomy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER", help="of MWPD2020")
    parser.add_argument("--score", type=Path, metavar="FILE", help="score this file only")
    parser.add_argument("--ablation", action="store_true", help="show what each idea added")
    parser.add_argument("--folds", type=int, default=0, metavar="N", help="cross-validate, too")
    parser.add_argument("--quick", action="store_true", help="one round")
    given = parser.parse_args(arguments)
    files = [given.data / "train.jsonl", given.score or given.data / "validation.jsonl"]
    for file in files:
        if not file.is_file():
            parser.error(f"there is no {file}: the products are not in the repository")
    seen, unseen = (read(file) for file in files)
    if given.ablation and not given.score:
        show_ablation(seen, unseen)
    rounds = 1 if given.quick or given.score else ROUNDS
    classifier, speed = measure_speed(seen, unseen, rounds)
    found = classifier.classify([example.text for example in unseen])
    show_f1(files[1].stem, unseen, found)
    show_calibration(unseen, found, classifier.threshold)
    print(
        f"\nOn one core: trained on {len(seen):,} products in {speed.train_s:.1f} s, "
        f"{speed.per_second:,.0f} products per second classified, model {speed.model_mb:.1f} MB, "
        f"at most {speed.memory_mb:.0f} MB in memory, training included."
    )
    if given.folds:
        print(f"\n{given.folds}-fold cross-validation: {cross_validate(seen, folds=given.folds)}")


def _example(row: Mapping[str, str]) -> Example:
    text = ProductText(
        product_id=row["ID"],
        content_hash=row["ID"],
        name=row["Name"],
        description=row["Description"],
        category=row["CategoryText"],
        url=row["URL"],
    )
    return Example(text, tuple(row[level] for level in LEVELS))


if __name__ == "__main__":
    main(sys.argv[1:])
