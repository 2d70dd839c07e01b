"""What stored products look like on a screen."""

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from contextworker.brain import EnrichmentStatus, Product
from contextworker.cli.output.tables import attributes, brand, category, price, products_table

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _product(**fields: Any) -> Product:
    return Product(
        **{
            "product_id": "p",
            "tenant_id": "t",
            "sku": "CT-1",
            "name": "Tent",
            "dealer_code": "c",
            "enrichment_status": EnrichmentStatus.DONE,
            "content_hash": "h",
            "first_seen_at": NOW,
            "last_seen_at": NOW,
            "updated_at": NOW,
            **fields,
        }
    )


def _done(task: str, **result: Any) -> dict[str, Any]:
    return {task: {"status": "done", "confidence": 0.98, "source": "name", "result": result}}


def test_the_gardeners_brand_comes_before_the_suppliers() -> None:
    """The enriched brand is what is shown; without one, the supplier's."""
    found = _product(brand_name="msr", enrichment=_done("ner", brand="MSR"))
    assert "MSR" == brand(found)
    assert "msr" == brand(_product(brand_name="msr"))
    assert not brand(_product())


def test_a_category_is_its_name_with_confidence() -> None:
    """How sure the gardener is stands beside the category."""
    found = _product(enrichment=_done("taxonomy", name="Tents", path="Camping > Tents"))
    assert "Tents 98%" == category(found).plain
    assert "Zelte" == category(_product(category="Zelte")).plain


def test_attributes_are_one_line() -> None:
    """Measures with their units, then what tells it from others like it, then technologies."""
    found = _product(
        enrichment=_done(
            "params",
            weight={"value": 2.1, "unit": "kg"},
            pack_count={"value": 4, "unit": "pcs"},
            dimensions={"value": [20, 30.5], "unit": "cm"},
        )
        | _done("ner", brand="MSR", variant={"colour": ["red", "blue"], "size": "L"})
        | _done("tech", technologies=[{"id": "gore-tex", "name": "Gore-Tex"}])
    )
    expected = (
        "weight 2.1 kg, pack count 4 pcs, dimensions 20 x 30.5 cm, colour red, blue, size L, "
        "Gore-Tex"
    )
    assert expected == attributes(found)


@pytest.mark.parametrize(
    "enrichment",
    [
        {},
        {"taxonomy": None},
        {"taxonomy": {}},
        {"taxonomy": {"result": "?"}, "params": 1},
        {"tech": {"result": {"technologies": 1}}, "ner": {"result": {"variant": "red"}}},
    ],
)
def test_an_enrichment_of_another_shape_is_shown_as_none(enrichment: dict[str, Any]) -> None:
    """A product enriched by another version is still listed."""
    found = _product(enrichment=enrichment)
    assert not category(found).plain
    assert not attributes(found)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [("1234.5", "EUR", "1,234.50 EUR"), ("0", None, "0.00"), (None, "EUR", "")],
)
def test_a_price_is_written_as_in_a_shop(
    amount: str | None, currency: str | None, expected: str
) -> None:
    """Two decimals, thousands apart, the currency after it."""
    assert expected == price(Decimal(amount) if amount else None, currency)


def test_a_suppliers_brackets_are_text() -> None:
    """A name with [bold] in it is shown as it is, not read as markup."""
    stream = StringIO()
    Console(file=stream, width=200).print(
        products_table([_product(name="Tent [bold]X[/]")], width=200)
    )
    assert "Tent [bold]X[/]" in stream.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_a_product_is_whole_at_every_width(width: int) -> None:
    """A narrow terminal shows as much, in fewer columns."""
    enrichment = _done("ner", brand="MSR", variant={"colour": ["red"]})
    stream = StringIO()
    table = products_table([_product(name="A tent for two", enrichment=enrichment)], width=width)
    Console(file=stream, width=width).print(table)
    for words in ("CT-1", "A tent for two", "MSR", "colour red", "done"):
        assert words in stream.getvalue()
    assert (width == 120) == ("Attributes" in stream.getvalue())
