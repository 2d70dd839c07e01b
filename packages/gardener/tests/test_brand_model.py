"""Brands and models: stated, found, misspelt, doubted."""

import pytest

from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.brand_model import BrandModelEnricher
from contextworker.gardener.enrichers.brands import Brands
from contextworker.gardener.enrichers.taxonomy import Taxonomy

KNOWN = ["Naturehike", "MSR", "Coleman", "Jack Wolfskin", "AW", "White", "Big Agnes", "Tramp"]
ENRICHER = BrandModelEnricher(Brands(KNOWN), Taxonomy.load())


def identify(name: str, brand_name: str = "") -> TaskResult:
    """Identify one product."""
    product = ProductText(product_id="1", content_hash="h", name=name, brand_name=brand_name)
    return ENRICHER.enrich([product])[0]


@pytest.mark.parametrize(
    ("name", "stated", "brand", "source"),
    [
        ("Hawkins 10 L Pressure Cooker", "Hawkins", "Hawkins", "brand_name+name"),
        ("Pressure Cooker 10 L", "Hawkins", "Hawkins", "brand_name"),
        ("Naturehike Cloud-Up 2 Tent", "", "Naturehike", "name"),
        ("NATUREHIKE Cloud-Up 2 Tent", "n/a", "Naturehike", "name"),
        ("Natrehike Star River 2 Zelt", "", "Naturehike", "name"),
        ("Намет Tramp Lite 3-місний", "", "Tramp", "name"),
        ("Jack Wolfskin Highland Trail 55 л", "", "Jack Wolfskin", "name"),
        ("White Stag parka", "White Stag", "White Stag", "brand_name+name"),
        ("AW Bellies", "", "AW", "name"),
    ],
)
def test_brands_are_confirmed_or_found(name: str, stated: str, brand: str, source: str) -> None:
    """A stated brand is taken; else a known one is looked for in the name."""
    result = identify(name, stated)

    assert (brand, source, ResultStatus.DONE) == (
        result.result["brand"],
        result.source,
        result.status,
    )


@pytest.mark.parametrize(
    ("name", "stated", "brand", "reason"),
    [
        ("Push-up Bra", "White", "White", "the stated brand 'White' is a common word"),
        (
            "Big Agnes Copper Spur",
            "Coleman",
            "Coleman",
            "the stated brand is 'Coleman', but the name begins with 'Big Agnes'",
        ),
        ("Trail tent", "", None, "no brand is stated, and no known brand stands in the name"),
        ("Case for Coleman Lantern", "", None, None),
        ("Dog aw bowl", "", None, None),
        ("white tent", "", None, None),
        ("Colman 2024 X", "", "Coleman", None),
        ("", "", None, None),
    ],
)
def test_doubtful_brands_go_to_review(
    name: str, stated: str, brand: str | None, reason: str | None
) -> None:
    """Words, contradictions, what a thing is for: a person decides."""
    result = ENRICHER_STRICT.enrich(
        [ProductText(product_id="1", content_hash="h", name=name, brand_name=stated)]
    )[0]

    assert (brand, ResultStatus.REVIEW) == (result.result["brand"], result.status)
    assert reason in (None, result.reason)


ENRICHER_STRICT = BrandModelEnricher(Brands(KNOWN), Taxonomy.load(), threshold=0.9)


@pytest.mark.parametrize(
    ("name", "stated", "model"),
    [
        ("Naturehike Cloud-Up 2 Tent 20D Green 2 person", "Naturehike", "Cloud-Up 2"),
        ("MSR Hubba Hubba NX 2 Backpacking Tent", "MSR", "Hubba Hubba NX 2"),
        ("Coleman tent 210 x 140 cm blue", "Coleman", None),
        ("Hawkins Stainless Steel 10 L Pressure Cooker", "Hawkins", None),
        ("Sony headphone WH1000XM4 black", "Sony", "WH1000XM4"),
        ("Trail tent", "", None),
        ("Mystery VC89564 tent", "", "Mystery VC89564"),
        ("", "Sony", None),
    ],
)
def test_the_model_is_what_the_rest_does_not_explain(
    name: str, stated: str, model: str | None
) -> None:
    """Without brand, type, measures, colours and plain words."""
    assert model == identify(name, stated).result["model"]


def test_the_first_spelling_of_a_brand_is_kept() -> None:
    """Brands come the most frequent first."""
    enricher = BrandModelEnricher(Brands(["MSR", "Msr", "msr"]), Taxonomy.load())

    result = enricher.enrich([ProductText(product_id="1", content_hash="h", name="msr Elixir")])[0]

    assert "MSR" == result.result["brand"]


def test_without_known_brands_nothing_is_guessed() -> None:
    """A first harvest has none."""
    enricher = BrandModelEnricher(Brands([]), Taxonomy.load())

    result = enricher.enrich([ProductText(product_id="1", content_hash="h", name="MSR Elixir")])[0]

    assert (None, ResultStatus.REVIEW) == (result.result["brand"], result.status)
