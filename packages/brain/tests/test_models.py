"""The records: what they refuse, and how content is told apart."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from pydantic import ValidationError

from contextworker.brain import Enrichment, EnrichmentStatus, ProductRecord, UpsertCounts
from contextworker.brain.values import canonical_decimal

NewProduct = Callable[..., ProductRecord]


@pytest.mark.parametrize(
    "fields",
    [
        {"sku": ""},
        {"name": ""},
        {"name": "a\x00b"},
        {"name": "half a pair \ud800"},
        {"params": {"a": "b\x00c"}},
        {"params": {"a": float("nan")}},
        {"params": {"a": ["half a pair \ud800"]}},
        {"price_retail": "NaN"},
        {"price_retail": "1E+999999"},
        {"quantity": 2**63},
        {"colour": "red"},
    ],
)
def test_product_refuses(product: NewProduct, fields: dict[str, object]) -> None:
    """What some store could not give back is refused before any store sees it."""
    with pytest.raises(ValidationError):
        product(**fields)


def test_backslash_u_is_text(product: NewProduct) -> None:
    """A text that only looks like an escaped NUL is a text."""
    assert {"a": r"\u0000"} == product(params={"a": r"\u0000"}).params


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"price_retail": "10.5"}, {"price_retail": "10.50"}),
        ({"price_retail": "1000"}, {"price_retail": "1E+3"}),
        ({"params": {"a": 1, "b": 2}}, {"params": {"b": 2, "a": 1}}),
        ({}, {"brand_name": None}),
    ],
)
def test_same_content(
    product: NewProduct, one: dict[str, object], other: dict[str, object]
) -> None:
    """Two ways to write the same content have one hash."""
    assert product(**one).content_hash == product(**other).content_hash


@pytest.mark.parametrize(
    "fields",
    [{"price_retail": "10.51"}, {"params": {"a": True}}, {"params": {"a": 1}}, {"name": "tent"}],
)
def test_other_content(product: NewProduct, fields: dict[str, object]) -> None:
    """Any difference in content is a difference in hash."""
    assert product(price_retail="10.5").content_hash != product(**fields).content_hash


def test_hash_is_pinned(product: NewProduct) -> None:
    """The hash never changes between versions: it is stored, and a new one means new content."""
    expected = "df6f176127e06d9339511cc6352cd41f"
    assert expected == product(price_retail="10.50", params={"a": [1, "ü"]}).content_hash


@pytest.mark.parametrize(
    ("text", "expected"), [("-0", "0"), ("-0.00", "0"), ("100", "100"), ("0.10", "0.1")]
)
def test_canonical_decimal(text: str, expected: str) -> None:
    """An amount has one text."""
    assert expected == canonical_decimal(Decimal(text))


def test_counts_add() -> None:
    """Counts of calls sum to the counts of a run."""
    total = UpsertCounts(inserted=1, updated=2) + UpsertCounts(updated=3, unchanged=4)
    assert UpsertCounts(inserted=1, updated=5, unchanged=4) == total
    assert 10 == total.total


def test_enrichment_is_an_outcome() -> None:
    """An enrichment that leaves its product pending would be computed for ever."""
    with pytest.raises(ValidationError):
        Enrichment(product_id="p", content_hash="h", status=EnrichmentStatus.PENDING, results={})
