"""What a supplier file can say of a field, as a shopkeeper would write it."""

import tomllib
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from contextworker.brain import Availability
from contextworker.harvest.feeds.blocks import Block, RawRow
from contextworker.harvest.messages import FeedFormat
from contextworker.harvest.rows.mapped import Mapped
from contextworker.harvest.rows.mapper import ProductMapper
from contextworker.harvest.suppliers import DEFAULT_MAPPINGS, Mapping, Source, Supplier, mapping_for

ROW = {
    "no": "A1",
    "title": "Tent",
    "price": "1245",
    "size_colour": "L / green",
    "maker": "Nordlys",
    "model": " Alp 2 ",
    "text": "Bottle, 750 ml, steel",
    "stock": "yes",
    "path": "Camping > Tents",
    "price_unit": "100",
}


APIECE = 'price_retail = { column = "price", divide_by = "price_unit" }'


def mapper(mapping: str, **supplier: Any) -> ProductMapper:
    """Make a mapper by lines of a [mapping]."""
    parsed = tomllib.loads(f'sku = "no"\nname = "title"\n{mapping}')
    made = Supplier.model_validate(
        {"code": "camp", "name": "Camp", "sources": [{"url": "f.csv"}], "mapping": parsed}
        | supplier
    )
    return ProductMapper(made, "f.csv", made.mapping)


def mapped(mapping: str, row: dict[str, Any] | None = None, **supplier: Any) -> Mapped:
    """Map one row, both ways."""
    values = ROW | (row or {})
    frame = pl.DataFrame([values])
    by_block = mapper(mapping, **supplier).map_block(Block(frame, pl.Series([2], dtype=pl.UInt32)))
    by_row = mapper(mapping, **supplier).map_rows([RawRow(2, values)])
    assert by_row.products.equals(by_block.products)
    assert (by_row.rejects, by_row.filtered) == (by_block.rejects, by_block.filtered)
    return by_block


def field(name: str, mapping: str, row: dict[str, Any] | None = None, **supplier: Any) -> Any:
    """Map one good row and return a field of its product."""
    made = mapped(mapping, row, **supplier)
    assert () == made.rejects
    return made.products[name][0]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('brand_name = "maker"', "Nordlys"),
        ('brand_name = { value = "House" }', "House"),
        ('brand_name = { join = ["maker", "model"] }', "Nordlys Alp 2"),
        ('brand_name = { join = ["maker", "model"], with = "-" }', "Nordlys-Alp 2"),
        ('brand_name = { column = "size_colour", split = "/", part = 2 }', "green"),
        ('brand_name = { column = "size_colour", split = "/", part = 3 }', None),
        ("brand_name = { column = \"text\", regex = '(\\d+) ml' }", "750"),
        ("brand_name = { column = \"text\", regex = '(\\d+) ml', group = 0 }", "750 ml"),
        ("brand_name = { column = \"text\", regex = '\\p{Lu}\\w+' }", "Bottle"),
        ('brand_name = { column = "text", regex = \'glass\', default = "other" }', "other"),
        ('brand_name = { column = "stock", values = { yes = "in" } }', "in"),
        ('brand_name = { column = "stock", values = { no = "out" } }', "yes"),
        ('brand_name = { column = "lost", optional = true }', None),
        ('brand_name = { column = "lost", optional = true, default = "none" }', "none"),
        ('brand_name = { columns = ["lost", "maker"] }', "Nordlys"),
        (
            'brand_name = { column = "size_colour", split = "/", part = 1, values = { L = "XL" } }',
            "XL",
        ),
    ],
)
def test_steps(line: str, expected: str | None) -> None:
    """Each step makes of a column what its name says."""
    assert expected == field("brand_name", line)


@pytest.mark.parametrize(
    ("line", "row", "expected"),
    [
        (APIECE, {}, "12.45"),
        (
            APIECE,
            {"price_unit": ""},
            "1245",
        ),
        ('price_retail = { column = "price", divide_by = 1000 }', {}, "1.245"),
        ('price_retail = { column = "price", divide_by = 7, digits = 3 }', {}, "177.857"),
        ('price_retail = { column = "price", divide_by = 1000, digits = 2 }', {}, "1.24"),
        ('price_retail = { columns = ["sale", "price"] }', {"sale": "9,90"}, "9.9"),
        ('price_retail = { columns = ["sale", "price"] }', {"sale": " "}, "1245"),
        ('price_retail = "price"\ndecimal = ","', {"price": "1.245,50"}, "1245.5"),
        ('price_retail = { column = "price", default = 5 }', {"price": ""}, "5"),
    ],
)
def test_prices(line: str, row: dict[str, Any], expected: str) -> None:
    """A price is for one piece, and exact."""
    assert expected == field("price_retail", line, row)


RATES = '{"UAH":"1","USD":"41.5","EUR":"44.125"}'
CONVERTED = 'price_retail = { column = "price", convert_to = "UAH" }\ncurrency = "cur"'


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"price": "10", "cur": "USD"}, "415"),
        ({"price": "0.01", "cur": "EUR"}, "0.44"),
        ({"price": "0.02", "cur": "EUR"}, "0.88"),
        ({"price": "1.006", "cur": "UAH"}, "1.006"),
        ({"price": "10 USD", "cur": ""}, "415"),
        ({"price": "1", "cur": "EUR", "currencies": '{"EUR":"1","UAH":"0.02"}'}, "50"),
    ],
)
def test_conversion(row: dict[str, str], expected: str) -> None:
    """A price is converted by the feed's own rates, rounded half to even."""
    made = mapped(CONVERTED + '\ndecimal = "."', {"currencies": RATES} | row, currency="EUR")
    assert [(expected, "UAH")] == made.products.select("price_retail", "currency").rows()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"cur": "GBP", "currencies": RATES}, "no rate for GBP"),
        ({"cur": "USD", "currencies": '{"USD":"41"}'}, "no rate for UAH"),
        ({"cur": "USD", "currencies": '{"USD":"0","UAH":"1"}'}, "no rate for USD"),
        ({"cur": "USD", "currencies": "nonsense"}, "no rate for USD"),
        ({"cur": "USD", "currencies": None}, "no rate for USD"),
        ({"cur": None, "currencies": RATES}, "no currency that it could be converted from"),
    ],
)
def test_no_rate(row: dict[str, Any], said: str) -> None:
    """A price that cannot be converted is never taken for one in another currency."""
    (reject,) = mapped(CONVERTED, row).rejects
    assert "no_rate" == reject.reason_code
    assert said in reject.reason


@pytest.mark.parametrize("pieces", ["0", "-1", "a box"])
def test_pieces_that_are_none(pieces: str) -> None:
    """A price for no pieces is no price."""
    (reject,) = mapped(APIECE, {"price_unit": pieces}).rejects
    assert ("bad_price", True) == (reject.reason_code, repr(pieces) in reject.reason)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("in stock", Availability.IN_STOCK),
        ("in_stock", Availability.IN_STOCK),
        ("true", Availability.IN_STOCK),
        (True, Availability.IN_STOCK),
        (False, Availability.OUT_OF_STOCK),
        ("Out Of Stock", Availability.OUT_OF_STOCK),
        ("https://schema.org/PreOrder", Availability.PREORDER),
        ("http://schema.org/BackOrder", Availability.BACKORDER),
        ("Discontinued", Availability.DISCONTINUED),
        ("yes", Availability.IN_STOCK),
        ("", None),
    ],
)
def test_availability(word: Any, expected: Availability | None) -> None:
    """Google's words, schema.org's, truths, and what the supplier file explains."""
    line = 'availability = { column = "stock", values = { yes = "in_stock" } }'
    assert expected == field("availability", line, {"stock": word})


def test_unknown_availability() -> None:
    """A product is not lost for a word nobody knows: the report names the word."""
    made = mapper('availability = "stock"')
    assert 1 == made.map_rows([RawRow(2, ROW | {"stock": "on the way"})]).products.height
    (warning,) = made.finish()
    assert "where the feed says 'on the way'" in warning
    assert 'values = { "on the way" = "in_stock" }' in warning


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        ('[only]\ncategories = ["Camping > *"]', True),
        ('[only]\ncategories = ["camping>*"]', True),
        ('[only]\ncategories = ["Camping"]', False),
        ('[only]\nbrands = ["nordlys"]', True),
        ('[only]\nbrands = ["*lys", "x"]', True),
        ('[only]\nbrands = ["Nord"]', False),
        ('[except]\nbrands = ["N*s"]', False),
        ('[except]\ncategories = ["*Stoves*"]', True),
        ('[only]\nbrands = ["*"]\n[except]\ncategories = ["* > Tents"]', False),
    ],
)
def test_lists(table: str, kept: bool) -> None:  # noqa: FBT001 - a table
    """Rows are chosen by category and brand; those left out are counted, and are no rejects."""
    line = f'brand_name = "maker"\ncategory = "path"\nprice_retail = "price"\n{table}'
    made = mapped(line, {"price": "free"} if not kept else {})
    assert (int(kept), 0 if kept else 1, ()) == (made.products.height, made.filtered, made.rejects)


@pytest.mark.parametrize(
    ("line", "row", "expected"),
    [
        ('params = ["model", "lost"]', {}, '{"model":"Alp 2"}'),
        ('params = { m = "model", a = { value = 3 } }', {}, '{"a":3,"m":"Alp 2"}'),
        ('params = "extra"', {"extra": '{"z": 1.50, "a": " x ", "b": ""}'}, '{"a":"x","z":1.5}'),
        (
            'params = { "*" = "extra", a = "model" }',
            {"extra": '{"a": "old", "b": true}'},
            '{"a":"Alp 2","b":true}',
        ),
        ('params = { m = "model" }', {"model": 'say "hi" \\ é'}, '{"m":"say \\"hi\\" \\\\ é"}'),
    ],
)
def test_params(line: str, row: dict[str, Any], expected: str) -> None:
    """Further attributes are canonical JSON without blanks."""
    assert expected == field("params", line, row)


def test_all_params() -> None:
    """`*` keeps every column that nothing else is made of."""
    line = f'params = "*"\nbrand_name = "maker"\n{APIECE}'
    expected = '{"model":"Alp 2","path":"Camping > Tents","size_colour":"L / green","stock":"yes"'
    assert expected + ',"text":"Bottle, 750 ml, steel"}' == field("params", line)


def test_params_that_are_no_object() -> None:
    """A column that should hold an object says so where it does not."""
    (reject,) = mapped('params = "model"').rejects
    assert ("bad_params", "the column 'model' holds no JSON object") == (
        reject.reason_code,
        reject.reason,
    )


def test_rejects_tell_their_sku() -> None:
    """A row with a bad price is still there: its product is not gone."""
    assert ("A1",) == mapped('price_retail = "price"', {"price": "?"}).rejected_skus
    assert () == mapped('price_retail = "price"', {"no": "", "price": "?"}).rejected_skus


@pytest.mark.parametrize("feed_format", DEFAULT_MAPPINGS)
def test_defaults(feed_format: FeedFormat) -> None:
    """A format with fixed columns needs no [mapping]."""
    supplier = Supplier(code="camp", name="Camp", sources=(Source(url="f"),))
    mapping = mapping_for(supplier, feed_format)
    assert {"sku", "name", "price_retail"} <= mapping.bindings.keys()


def test_defaults_are_overridden_field_by_field() -> None:
    """What a file says stands; what it leaves out is the format's."""
    mapping = Mapping.model_validate({"sku": "mpn", "params": ["color"]})
    supplier = Supplier(code="c", name="C", sources=(Source(url="f"),), mapping=mapping)
    made = mapping_for(supplier, FeedFormat.GOOGLE)
    assert ("mpn", "title") == (made.sku and made.sku.column, made.name and made.name.column)
    assert {"color"} == made.params.named.keys()


def test_google() -> None:
    """Google's price with its currency, its words and its categories need no explanation."""
    row = {
        "id": "1",
        "title": "Tent",
        "price": "1099.00 USD",
        "availability": "in_stock",
        "google_product_category": "Sports>Camping",
        "gtin": "4006381333931",
    }
    supplier = Supplier(code="c", name="C", sources=(Source(url="f"),))
    mapper = ProductMapper(supplier, "f", mapping_for(supplier, FeedFormat.GOOGLE))
    product = mapper.map_rows([RawRow(1, row)]).products.row(0, named=True)
    assert ("1099", "USD", "in_stock", "Sports > Camping", '{"gtin":"4006381333931"}') == (
        product["price_retail"],
        product["currency"],
        product["availability"],
        product["category"],
        product["params"],
    )
    assert () == mapper.finish()


def test_amounts_are_decimals() -> None:
    """No float comes near a price."""
    row = {"price": Decimal("0.1"), "cur": "USD", "currencies": '{"USD": "3", "UAH": 1}'}
    made = mapper(CONVERTED).map_rows([RawRow(1, ROW | row)])
    assert ["0.3"] == made.products["price_retail"].to_list()
