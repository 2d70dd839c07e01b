"""A feed that changed its columns says so, and how to go on."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from contextworker.harvest.errors import SchemaDriftError
from contextworker.harvest.feeds.blocks import Block, RawRow
from contextworker.harvest.likeness import guess_mapping, name_likeness
from contextworker.harvest.rows.mapper import ProductMapper
from contextworker.harvest.suppliers import Mapping, Source, Supplier

ROWS = {
    "sku": ["A1", "A2", "A3"],
    "name": ["Tent", "Stove", "Sleeping bag"],
    "price": ["12.50", "7", "99.90"],
    "vendor": ["Nordlys", "Nordlys", "Alp"],
    "pricing_note": ["net", "gross", "net"],
    "stock": ["3", "0", "12"],
}
MAPPING: dict[str, Any] = {"sku": "sku", "name": "name", "price_retail": "price"}


def mapper(
    mapping: dict[str, Any], *, has_header: bool = True, previous: tuple[str, ...] = ()
) -> ProductMapper:
    """Make a mapper of a supplier `camp`."""
    made = Mapping.model_validate(mapping)
    supplier = Supplier(code="camp", name="Camp", sources=(Source(url="f.csv"),), mapping=made)
    return ProductMapper(supplier, "f.csv", made, has_header=has_header, previous_columns=previous)


def block(renamed: dict[str, str | None]) -> Block:
    """A feed in which columns have other names, or are gone."""
    columns = {renamed.get(name, name): values for name, values in ROWS.items()}
    frame = pl.DataFrame({name: values for name, values in columns.items() if name is not None})
    return Block(frame, pl.Series([2, 3, 4], dtype=pl.UInt32))


def drift(mapping: dict[str, Any], renamed: dict[str, str | None], **more: Any) -> str:
    """Map a feed that drifted; returns what is said."""
    with pytest.raises(SchemaDriftError) as caught:
        mapper(mapping, **more).map_block(block(renamed))
    return str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "renamed", "line"),
    [
        ({}, {"price": "salePrice"}, 'price_retail = "salePrice" under [mapping] in camp.toml'),
        ({}, {"price": "PRICE"}, 'price_retail = "PRICE" under [mapping] in camp.toml'),
        ({}, {"price": "cost_eur"}, 'price_retail = "cost_eur" under [mapping] in camp.toml'),
        ({}, {"sku": "article no."}, 'sku = "article no." under [mapping] in camp.toml'),
        ({}, {"name": "Title"}, 'name = "Title" under [mapping] in camp.toml'),
        (
            {"brand_name": {"column": "vendor", "default": "x"}},
            {"vendor": "vendorName"},
            'brand_name = { column = "vendorName", default = "x" } under [mapping] in camp.toml',
        ),
        (
            {"quantity": {"columns": ["qty", "on_hand"]}},
            {"stock": "in-stock"},
            'quantity = { columns = ["qty", "on_hand", "in-stock"] } under [mapping] in camp.toml',
        ),
        (
            {"params": {"our brand": "vendor"}},
            {"vendor": "vendor_1"},
            '"our brand" = "vendor_1" into the params of [mapping] in camp.toml',
        ),
    ],
)
def test_the_likeliest_new_name(
    mapping: dict[str, Any], renamed: dict[str, str | None], line: str
) -> None:
    """A renamed column is found by its name and values, with the line that accepts it."""
    said = drift(MAPPING | mapping, renamed)
    assert said.startswith("the feed f.csv lacks columns that are mapped: ")
    assert f"to accept it, write {line}" in said
    assert "Nothing was stored" in said


def test_values_count_more_than_names() -> None:
    """A column of words is no price, whatever it is called."""
    assert "'salePrice'" in drift(MAPPING, {"price": "salePrice", "vendor": "price_text"})


def test_new_columns_are_likelier() -> None:
    """Of two that could be it, the one that was not there before is."""
    renamed: dict[str, str | None] = {"price": "price_b", "stock": "price_a"}
    said = drift(MAPPING, renamed, previous=("sku", "name", "price_a"))
    assert "one is 'price_b'" in said
    assert said.startswith("the feed f.csv has changed its columns: ")
    assert "one is 'price_a'" in drift(MAPPING, renamed, previous=("sku", "name", "price_b"))


def test_nothing_is_guessed_from_nothing() -> None:
    """Where no column is likely, none is named; the feed's columns are."""
    said = drift(MAPPING, {"price": None, "stock": None})
    assert "likeliest" not in said
    assert 'write price_retail = { column = "price", optional = true } under [mapping]' in said
    assert "The feed has the columns: sku, name, vendor, pricing_note" in said


def test_every_lost_column_is_named() -> None:
    """One failed run is enough to learn of all that changed."""
    said = drift(MAPPING, {"price": "cost", "name": "title"})
    assert "price_retail = " in said
    assert "name = " in said


def test_late_columns() -> None:
    """Where columns may come late, only the end of the feed tells that one is lost."""
    late = mapper(MAPPING, has_header=False)
    late.map_rows([RawRow(1, {"sku": "A1", "name": "Tent"})])
    late.map_rows([RawRow(2, {"sku": "A2", "name": "Tent", "price": "5"})])
    assert () == late.finish()
    lost = mapper(MAPPING, has_header=False)
    lost.map_rows([RawRow(1, {"sku": "A1", "name": "Tent", "salePrice": "5"})])
    with pytest.raises(SchemaDriftError, match="salePrice"):
        lost.finish()


def test_lost_optional_columns_are_warnings() -> None:
    """What a feed may lack is missed only where it was there the last time."""
    mapping = MAPPING | {"brand_name": {"column": "vendor", "optional": True}}
    for previous, expected in ((("sku", "vendor"), 1), (("sku",), 0)):
        made = mapper(mapping, previous=previous)
        made.map_block(block({"vendor": None}))
        assert expected == len(made.finish())


def test_columns_are_remembered() -> None:
    """The next harvest compares with the columns of this one."""
    made = mapper(MAPPING)
    made.map_block(block({}))
    assert tuple(ROWS) == made.columns


def test_an_empty_feed_is_no_drift() -> None:
    """A feed without rows has its own error."""
    assert () == mapper(MAPPING).finish()


@pytest.mark.parametrize(
    ("one", "other"),
    [("price", "salePrice"), ("sale_price", "SalePrice"), ("Stock Qty", "stock-qty")],
)
def test_names_are_alike(one: str, other: str) -> None:
    """Case, underscores and camels do not matter."""
    assert name_likeness(one, other) > 0.8


def test_guessing_a_mapping() -> None:
    """A feed nobody has mapped says much by itself."""
    columns: dict[str, Sequence[Any]] = {
        "Article No": ["A1", "A2"],
        "Title": ["Tent", "Stove"],
        "SalePrice": ["5.00", "7,50"],
        "Vendor": ["Alp", "Alp"],
        "Qty": ["1", "2"],
        "Image": ["https://a.example/1.jpg", None],
        "Remark": ["x", "y"],
    }
    expected = {
        "sku": "Article No",
        "name": "Title",
        "brand_name": "Vendor",
        "quantity": "Qty",
        "price_retail": "SalePrice",
        "image_url": "Image",
    }
    assert expected == guess_mapping(list(columns), columns)
