"""The classifier on real products of many shops, which stay out of the repository."""

import json
from pathlib import Path

import pytest

from contextworker.gardener.classifier import Classifier, Example, train
from contextworker.gardener.classifier.scores import Scores, score
from contextworker.gardener.enrichers.base import ProductText

DATA = Path(__file__).parents[5] / "shared" / "data" / "mwpd"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the products are not here")


def read(name: str, most: int) -> list[Example]:
    """Read products with their categories."""
    with (DATA / f"{name}.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(most), strict=False)]
    return [
        Example(
            ProductText(
                product_id=row["ID"],
                content_hash=row["ID"],
                name=row["Name"],
                description=row["Description"],
                category=row["CategoryText"],
                url=row["URL"],
            ),
            (row["lvl1"], row["lvl2"], row["lvl3"]),
        )
        for row in rows
    ]


def learnt(examples: int, others: int) -> tuple[Classifier, Scores]:
    """Train on some products, and score the model, read back, on others."""
    classifier = Classifier.loads(train(read("train", examples)).dumps())
    unseen = read("validation", others)
    found = classifier.classify([example.text for example in unseen])
    thresholds = [classifier.threshold] * len(unseen)
    return classifier, score([example.path for example in unseen], found, thresholds, folds=0)


def test_a_thousand_products_teach_most_of_it() -> None:
    """Many categories were seen once or never: a third is in review, and what is not, is right."""
    _, scores = learnt(1000, 1000)

    assert scores.average > 68
    assert 0.4 < scores.done_share < 0.8
    assert scores.done_right > 0.92


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_products_teach_more_than_the_published_winner_knew() -> None:
    """Weighted F1, and the promise that nineteen of twenty that are done are right."""
    classifier, scores = learnt(20_000, 3000)

    assert scores.average > 90.8
    assert scores.weighted_f1[0] > 93
    assert scores.done_right > 0.945
    assert scores.done_share > 0.95
    assert len(classifier.dumps()) < 30_000_000
