"""What holds for every enricher, whatever the text."""
# ruff: noqa: RUF001 -- names as suppliers write them, in Cyrillic too

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextworker.gardener.enrichers.attributes import AttributesEnricher
from contextworker.gardener.enrichers.base import (
    Enricher,
    ProductText,
    ResultStatus,
    TaskResult,
    enrich_each,
)
from contextworker.gardener.enrichers.brand_model import BrandModelEnricher
from contextworker.gardener.enrichers.brands import Brands
from contextworker.gardener.enrichers.classify import TaxonomyEnricher
from contextworker.gardener.enrichers.taxonomy import Taxonomy

TAXONOMY = Taxonomy.load()
ENRICHERS: list[Enricher] = [
    TaxonomyEnricher(TAXONOMY),
    BrandModelEnricher(Brands(["Naturehike", "MSR", "ÄÖÜ", "x" * 300]), TAXONOMY),
    AttributesEnricher(),
]
# Pieces that the patterns look for, so that random text comes near them.
WORDS = """1 12.5 1,500 x × kg кг - / m ' " person set of Size XL ( , tent Zelt намет MSR for
    ’ ² ½ pack ″ Größe mm W"""
PIECES = st.sampled_from([" ", "9" * 50, *WORDS.split()])
TEXTS = st.one_of(st.text(max_size=500), st.lists(PIECES, max_size=120).map("".join))
PRODUCTS = st.builds(
    ProductText,
    product_id=st.uuids().map(str),
    content_hash=st.just("h"),
    name=TEXTS,
    category=TEXTS,
    brand_name=TEXTS,
    description=TEXTS,
    params=st.dictionaries(TEXTS, TEXTS | st.integers() | st.floats(), max_size=3),
)


@pytest.mark.parametrize("enricher", ENRICHERS, ids=lambda enricher: enricher.name)
@given(products=st.lists(PRODUCTS, max_size=3))
def test_any_text_gives_one_storable_result_per_product(
    enricher: Enricher, products: list[ProductText]
) -> None:
    """No text breaks an enricher, and its results come through JSON as they were."""
    results = enricher.enrich(products)

    assert len(products) == len(results)
    for result in results:
        assert ResultStatus.ERROR is not result.status
        assert result == TaskResult.model_validate_json(result.model_dump_json())
        assert (result.status is ResultStatus.REVIEW) == bool(result.reason)


@pytest.mark.parametrize("enricher", ENRICHERS, ids=lambda enricher: enricher.name)
@given(products=st.lists(PRODUCTS, min_size=2, max_size=3))
def test_a_result_depends_on_its_product_alone(
    enricher: Enricher, products: list[ProductText]
) -> None:
    """Again, alone or in other company: the same, so a retried batch is the same batch."""
    together = enricher.enrich(products)

    assert together == enricher.enrich(products)
    assert together == [enricher.enrich([product])[0] for product in products]


@pytest.mark.parametrize("enricher", ENRICHERS, ids=lambda enricher: enricher.name)
@pytest.mark.parametrize(
    "text", ["1" * 10_000, "1,1." * 5000, "x " * 5000, "a" * 10_000, "((((" * 3000, "1 x " * 4000]
)
def test_huge_and_hostile_texts_are_read_to_the_limit(enricher: Enricher, text: str) -> None:
    """Repeated pieces are what makes a careless pattern run for ever; the test's limit ends it."""
    product = ProductText(
        product_id="1", content_hash="h", name=text, category=text, brand_name=text,
        description=text,
    )  # fmt: skip

    assert 1 == len(enricher.enrich([product]))


class Picky:
    """Breaks on one product, as an enricher with a bug would."""

    name = "picky"

    def enrich(self, products: Sequence[ProductText]) -> list[TaskResult]:
        """Refuse the product named bad."""
        if any(product.name == "bad" for product in products):
            raise ZeroDivisionError("oh")
        return [TaskResult(status=ResultStatus.DONE, confidence=1, source="name") for _ in products]


def test_one_odd_product_does_not_hold_up_the_others() -> None:
    """It gets an error with its reason; the batch goes on."""
    products = [
        ProductText(product_id=name, content_hash="h", name=name) for name in ("a", "bad", "c")
    ]

    results = enrich_each(Picky(), products)

    assert ["done", "error", "done"] == [result.status for result in results]
    assert "picky failed: ZeroDivisionError: oh" == results[1].reason


class Short:
    """Loses results."""

    name = "short"

    def enrich(self, products: Sequence[ProductText]) -> list[TaskResult]:
        """Return nothing."""
        return []


def test_results_that_do_not_match_the_batch_are_errors() -> None:
    """They could belong to any product."""
    products = [ProductText(product_id="1", content_hash="h")]

    results = enrich_each(Short(), products)

    assert [TaskResult.failed("short gave 0 results for 1 products")] == results


@pytest.mark.parametrize(
    ("confidence", "status", "shown"),
    [(0.8, "done", 0.8), (0.7999, "review", 0.799), (1.3, "done", 1), (-1, "review", 0)],
)
def test_the_threshold_itself_is_enough(confidence: float, status: str, shown: float) -> None:
    """And a confidence below it is never shown as if it had been reached."""
    result = TaskResult.judged({}, confidence=confidence, threshold=0.8, source="", doubt="why")

    assert (status, shown) == (result.status, result.confidence)
    assert ("why" if status == "review" else None) == result.reason
