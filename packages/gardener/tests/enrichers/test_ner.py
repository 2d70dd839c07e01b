"""What a product is called: brands stated, found, misspelt, doubted; models, types, variants."""

from typing import Any

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.naming.brands import Brands
from contextworker.gardener.enrichers.naming.ner import RulesEnricher, rules
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject
from contextworker.gardener.enrichers.results import NerResult

KNOWN = [
    "Naturehike",
    "MSR",
    "Coleman",
    "Jack Wolfskin",
    "AW",
    "White",
    "Big Agnes",
    "Tramp",
    "Hers by Herman",
]
ENRICHER = RulesEnricher(Brands(KNOWN))


def subject(name: str, **fields: Any) -> Subject:
    """Make a product that nothing is known of yet."""
    return Subject(ProductText(product_id="1", content_hash="h", name=name, **fields))


def identify(name: str, brand_name: str = "") -> TaskResult:
    """Identify one product."""
    return ENRICHER.enrich([subject(name, brand_name=brand_name)])[0]


@pytest.mark.parametrize(
    ("name", "stated", "brand"),
    [
        ("Hawkins 10 L Pressure Cooker", "Hawkins", "Hawkins"),
        ("Pressure Cooker 10 L", "Hawkins", "Hawkins"),
        ("Naturehike Cloud-Up 2 Tent", "", "Naturehike"),
        ("NATUREHIKE Cloud-Up 2 Tent", "n/a", "Naturehike"),
        ("Natrehike Star River 2 Zelt", "", "Naturehike"),
        ("Намет Tramp Lite 3-місний", "", "Tramp"),
        ("Jack Wolfskin Highland Trail 55 л", "", "Jack Wolfskin"),
        ("White Stag parka", "White Stag", "White Stag"),
        ("AW Bellies", "", "AW"),
    ],
)
def test_brands_are_confirmed_or_found(name: str, stated: str, brand: str) -> None:
    """A stated brand is taken; else a known one is looked for in the name."""
    result = identify(name, stated)

    assert (brand, ResultStatus.DONE) == (result.result["brand"], result.status)


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
        ("Second Coleman Skin", "", "Coleman", "'Coleman' stands in the name, but not first"),
        ("", "", None, None),
    ],
)
def test_doubtful_brands_go_to_review(
    name: str, stated: str, brand: str | None, reason: str | None
) -> None:
    """Words, contradictions, what a thing is for: a person decides."""
    result = ENRICHER_STRICT.enrich([subject(name, brand_name=stated)])[0]

    assert (brand, ResultStatus.REVIEW) == (result.result.get("brand"), result.status)
    assert reason in (None, result.reason)


ENRICHER_STRICT = RulesEnricher(Brands(KNOWN), threshold=0.9)


@pytest.mark.parametrize(
    ("name", "stated", "model"),
    [
        ("Naturehike Cloud-Up 2 Tent 20D Green 2 person", "Naturehike", "Cloud-Up 2"),
        ("MSR Hubba Hubba NX 2 Backpacking Tent", "MSR", "Hubba Hubba NX 2"),
        ("Coleman tent 210 x 140 cm blue", "Coleman", None),
        ("Hawkins Stainless Steel 10 L Pressure Cooker", "Hawkins", None),
        ("Sony headphone WH1000XM4 black", "Sony", "WH1000XM4"),
        ("MSR Elixir +10 °C sleeping bag", "MSR", "Elixir"),
        ("Trail tent", "", None),
        ("Mystery VC89564 tent", "", "Mystery VC89564"),
        ("", "Sony", None),
    ],
)
def test_the_model_is_what_the_rest_does_not_explain(
    name: str, stated: str, model: str | None
) -> None:
    """Without brand, type, measures, colours and plain words."""
    assert model == identify(name, stated).result.get("model")


def test_the_first_spelling_of_a_brand_is_kept() -> None:
    """Brands come the most frequent first."""
    enricher = RulesEnricher(Brands(["MSR", "Msr", "msr"]))

    result = enricher.enrich([subject("msr Elixir")])[0]

    assert "MSR" == result.result["brand"]


def test_without_known_brands_nothing_is_guessed() -> None:
    """A first harvest has none."""
    enricher = RulesEnricher(Brands([]))

    result = enricher.enrich([subject("MSR Elixir")])[0]

    assert (None, ResultStatus.REVIEW) == (result.result.get("brand"), result.status)


@pytest.mark.parametrize(
    ("name", "category", "kind"),
    [
        ("MSR Hubba Hubba NX 2 Tent", "", "Tent"),
        ("Hawkins 10 L Pressure Cooker", "Kitchen > Pressure Cookers & Pans", "Pressure Cooker"),
        ("Alisha Solid Women's Cycling Shorts", "Clothing >> Women's Clothing >> Shorts", "Shorts"),
        ("Coleman camping table", "Camping > Camping furniture", "camping table"),
        ("Coleman Cobra 2", "Outdoor > Tents", "Tent"),
        ("MSR Elixir", "Pots & Pans", "Pots & Pans"),
        ("Duracell AA", "Batteries", "Battery"),
        ("Sony Bravia", "Sony Televisions", "Television"),
        ("Acme wonder gizmo blue", "", "gizmo"),
        ("Hose for Coleman tent", "", "Hose"),
        ("", "", None),
    ],
)  # fmt: skip
def test_the_type_is_what_name_and_category_agree_on(
    name: str, category: str, kind: str | None
) -> None:
    """Else a known kind of thing, else the category in the singular, else the name's last noun."""
    result = ENRICHER.enrich([subject(name, category=category)])[0]

    assert kind == result.result.get("product_type")


def test_the_category_it_was_sorted_into_counts_before_the_suppliers() -> None:
    """Once the task before is sure of it."""
    sorted_into = TaskResult(
        status=ResultStatus.DONE, confidence=1, result={"path": ["Camping", "Stoves"]}
    )
    given = Subject(subject("MSR Dragonfly", category="Sale!").text, {"taxonomy": sorted_into})

    assert "Stove" == ENRICHER.enrich([given])[0].result["product_type"]


@pytest.mark.parametrize(
    ("name", "params", "variant"),
    [
        ("Jacket navy blue, XL", {}, {"colour": ["navy"], "size": "XL"}),
        ("Jacke schwarz/rot Größe M", {}, {"colour": ["black", "red"], "size": "M"}),
        ("Boots EU 42", {}, {"size": "42"}),
        ("T-Shirt (L)", {}, {"size": "L"}),
        ("Jacket women's M green", {}, {"colour": ["green"], "size": "M"}),
        ("Tent", {"colour": "Slate"}, {"colour": ["slate"]}),
        ("Tent", {"colour": "see picture 2"}, None),
        ("Куртка чорна розмір L", {}, {"colour": ["black"], "size": "L"}),
        ("Jacket", {"Colour": "Dark Green", "size": "XL"}, {"colour": ["green"], "size": "XL"}),
        ("Red jacket", {"Colour": "Dark Green"}, {"colour": ["red"]}),
        ("Jacket", {}, None),
    ],
)
def test_colour_and_size_make_the_variant(
    name: str, params: dict[str, str], variant: dict[str, Any] | None
) -> None:
    """Of the name, then of the parameters."""
    result = ENRICHER.enrich([subject(name, params=params)])[0]

    assert variant == result.result.get("variant")
    NerResult.model_validate(result.result)


def test_options_are_checked() -> None:
    """A wrong one is the tenant's mistake, said in a sentence."""
    with pytest.raises(ConfigurationError, match=r"threshold = 'high'"):
        rules(EnricherContext("acme", "ner", {"threshold": "high"}))


def test_a_brand_may_have_a_by_in_it() -> None:
    """Found as it is, not merely as something like it."""
    result = identify("Hers by Herman set")

    assert ("Hers by Herman", 0.95) == (result.result["brand"], result.confidence)
