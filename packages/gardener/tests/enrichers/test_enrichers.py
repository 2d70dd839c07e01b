"""What holds for every enricher, whatever the text."""
# ruff: noqa: RUF001 -- names as suppliers write them, in Cyrillic too

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.loading import installed, load_factory
from contextworker.gardener.enrichers.protocol import Enricher, EnricherContext, Subject
from contextworker.gardener.enrichers.results import RESULTS
from contextworker.gardener.tagger.examples import TaggedExample
from contextworker.gardener.tagger.training import train

BRANDS = ("Naturehike", "MSR", "ÄÖÜ", "x" * 300)
TASKS = {
    "measures": "params",
    "names": "taxonomy",
    "relations": "kg",
    "rules": "ner",
    "tagger": "ner",
    "vocabulary": "tech",
}


def made(name: str) -> Enricher:
    """Make a packaged enricher by its entry point, the tagger with a small model."""
    task = TASKS[name]
    model = None
    if name == "tagger":
        examples = [
            TaggedExample(f"Brand{n} Tent {n}", {"brand": (f"Brand{n}",)}) for n in range(20)
        ]
        model = train(examples).dumps()
    context = EnricherContext("acme", task, {}, brands=BRANDS, model=model)
    enricher = load_factory(installed()[name])(context)
    assert enricher is not None
    return enricher


ENRICHERS = {name: made(name) for name in TASKS}
# Pieces that the patterns look for, so that random text comes near them.
WORDS = """1 12.5 1,500 x × kg кг - / m ' " person set of Size XL ( , tent Zelt намет MSR for
    ’ ² ½ pack ″ Größe mm W"""
PIECES = st.sampled_from([" ", "9" * 50, *WORDS.split()])
TEXTS = st.one_of(st.text(max_size=500), st.lists(PIECES, max_size=120).map("".join))
TEXTS_OF_PRODUCTS = st.builds(
    ProductText,
    product_id=st.uuids().map(str),
    content_hash=st.just("h"),
    name=TEXTS,
    category=TEXTS,
    brand_name=TEXTS,
    description=TEXTS,
    params=st.dictionaries(TEXTS, TEXTS | st.integers() | st.floats(), max_size=3),
)
PRODUCTS = st.builds(Subject, TEXTS_OF_PRODUCTS)


@pytest.mark.parametrize("name", ENRICHERS)
@settings(max_examples=15)
@given(products=st.lists(PRODUCTS, max_size=3))
def test_any_text_gives_one_storable_result_per_product(name: str, products: list[Subject]) -> None:
    """No text breaks an enricher, and its results are the task's, through JSON as they were."""
    results = ENRICHERS[name].enrich(products)

    assert len(products) == len(results)
    for result in results:
        if result.result:
            RESULTS[TASKS[name]].model_validate(result.result)
        assert ResultStatus.ERROR is not result.status
        assert result == TaskResult.model_validate_json(result.model_dump_json())
        assert (result.status is ResultStatus.REVIEW) == bool(result.reason)


@pytest.mark.parametrize("name", ENRICHERS)
@settings(max_examples=15)
@given(products=st.lists(PRODUCTS, min_size=2, max_size=3))
def test_a_result_depends_on_its_product_alone(name: str, products: list[Subject]) -> None:
    """Again, alone or in other company: the same, so a retried batch is the same batch."""
    enricher = ENRICHERS[name]

    together = enricher.enrich(products)

    assert together == enricher.enrich(products)
    assert together == [enricher.enrich([product])[0] for product in products]


@pytest.mark.parametrize("name", ENRICHERS)
@pytest.mark.parametrize(
    "text", ["1" * 10_000, "1,1." * 5000, "x " * 5000, "a" * 10_000, "((((" * 3000, "1 x " * 4000]
)
def test_huge_and_hostile_texts_are_read_to_the_limit(name: str, text: str) -> None:
    """Repeated pieces are what makes a careless pattern run for ever; the test's limit ends it."""
    product = ProductText(
        product_id="1", content_hash="h", name=text, category=text, brand_name=text,
        description=text,
    )  # fmt: skip

    assert 1 == len(ENRICHERS[name].enrich([Subject(product)]))


@pytest.mark.parametrize(
    ("confidence", "status", "shown"),
    [(0.8, "done", 0.8), (0.7999, "review", 0.799), (1.3, "done", 1), (-1, "review", 0)],
)
def test_the_threshold_itself_is_enough(confidence: float, status: str, shown: float) -> None:
    """And a confidence below it is never shown as if it had been reached."""
    result = TaskResult.judged({}, confidence=confidence, threshold=0.8, source="", doubt="why")

    assert (status, shown) == (result.status, result.confidence)
    assert ("why" if status == "review" else None) == result.reason
