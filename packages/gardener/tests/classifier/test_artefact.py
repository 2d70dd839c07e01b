"""A classifier as bytes: what is not one is refused, and nothing in it is ever run."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from contextworker.core.errors import PermanentError
from contextworker.gardener.classifier import Classifier, Example, artefact, train, weights
from contextworker.gardener.enrichers.base import ProductText

Arrays = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def arrays() -> Mapping[str, np.ndarray[Any, Any]]:
    """Train a classifier with few rows for features of their own, and take it apart."""
    examples = [
        Example(
            ProductText(
                product_id=str(n), content_hash="", name=f"{('tent', 'rope', 'stove')[n % 3]} {n}"
            ),
            (("camping", "climbing", "cooking")[n % 3],),
        )
        for n in range(40)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "CELLS", 600)
        whole = train(examples).dumps()
    with np.load(io.BytesIO(whole), allow_pickle=False) as found:
        return dict(found)


def packed(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """Put it together again."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=True, **arrays)
    return buffer.getvalue()


def about(arrays: Arrays, **changes: object) -> Arrays:
    """Say something else in the JSON."""
    text = json.loads(arrays["about"].tobytes()) | changes
    return arrays | {"about": np.frombuffer(json.dumps(text).encode(), dtype=np.uint8)}


def test_what_was_taken_apart_is_a_classifier_again(
    arrays: Mapping[str, np.ndarray[Any, Any]],
) -> None:
    """So that what the other tests change is all that is wrong."""
    assert (("camping",), ("climbing",), ("cooking",)) == Classifier.loads(packed(arrays)).paths


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda it: about(it, format=2), "has format 2, and this worker reads 1"),
        (lambda it: about(it, format="x"), "format is wrong"),
        (lambda it: about(it, paths=[["b"], ["a"]]), "its categories are in no order"),
        (lambda it: about(it, paths=[[], ["a"]]), "its categories are in no order"),
        (lambda it: about(it, paths=[["a"], ["b"]]), "frequent has the shape"),
        (lambda it: about(it, views={"smell": 1}), "in views that are not known"),
        (lambda it: about(it, products=0), "products is wrong"),
        (
            lambda it: about(
                it, calibration={"factor": 1, "slopes": [], "shifts": [], "threshold": 0.5}
            ),
            "its calibration does not fit",
        ),
        (lambda it: {**it, "buckets": it["buckets"] + 2**22}, "buckets holds numbers that point"),
        (lambda it: {**it, "members": it["members"] - 1}, "members holds numbers that point"),
        (lambda it: {**it, "starts": it["starts"][::-1].copy()}, "starts is in no order"),
        (lambda it: {**it, "counts": it["counts"][1:]}, "counts has the shape"),
        (lambda it: {**it, "shift": it["shift"] * np.nan}, "shift holds what is no number"),
        (lambda it: {**it, "shift": it["shift"].astype(np.float64)}, "shift is float64"),
        (lambda it: {**it, "more": it["shift"]}, "does not hold what a classifier is made of"),
        (lambda it: {**it, "shift": np.array([print, print])}, "allow_pickle=False"),
    ],
    ids=[
        "newer",
        "no-format",
        "order",
        "no-levels",
        "fewer-paths",
        "views",
        "no-products",
        "calibration",
        "buckets",
        "members",
        "starts",
        "counts",
        "nan",
        "type",
        "more",
        "pickled",
    ],
)
def test_what_does_not_fit_is_refused(
    arrays: Mapping[str, np.ndarray[Any, Any]], change: Callable[[Arrays], Arrays], says: str
) -> None:
    """With what is wrong with it."""
    changed = packed(change(dict(arrays)))

    with pytest.raises(PermanentError) as refusal:
        Classifier.loads(changed)

    assert says in str(refusal.value)
    assert "model of a classifier" in str(refusal.value)


@pytest.mark.parametrize(
    "cut", [0, 1, 100, -1000, -1], ids=["nothing", "byte", "head", "no-tail", "no-end"]
)
def test_what_is_cut_is_refused(arrays: Mapping[str, np.ndarray[Any, Any]], cut: int) -> None:
    """Wherever it ends."""
    with pytest.raises(PermanentError, match="model of a classifier"):
        Classifier.loads(packed(arrays)[:cut])


def test_what_unpacks_to_too_much_is_refused(
    arrays: Mapping[str, np.ndarray[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is unpacked: a few kilobytes that would be much more."""
    bomb = packed({**arrays, "members": np.zeros(1_000_000, dtype=np.int32)})
    monkeypatch.setattr(artefact, "LIMIT", 2_000_000)

    assert len(bomb) < 100_000
    with pytest.raises(PermanentError, match="unpacks to more than 2000000 bytes"):
        Classifier.loads(bomb)
