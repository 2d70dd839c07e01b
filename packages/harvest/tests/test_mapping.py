"""Rows become products, or rejects whose reason a shopkeeper understands."""

from decimal import Decimal
from typing import Any

import pytest

from contextworker.brain import ProductRecord, RejectRecord
from contextworker.harvest.feeds.blocks import BadRow, RawRow
from contextworker.harvest.rows.mapping import RowMapper
from contextworker.harvest.rows.raw import is_replayable
from contextworker.harvest.suppliers import Mapping, Source, Supplier

GOOD = {"No": "A1", "Title": " Tent ", "Price": "1 234,50 €", "Stock": "7", "Path": "Camp/Tents"}


def mapper(
    *, currency: str | None = "EUR", currency_column: str | None = None, **mapping: Any
) -> RowMapper:
    """Make a mapper of a supplier with these further mappings."""
    fields = {
        "sku": "No",
        "name": "Title",
        "price_retail": "Price",
        "quantity": "Stock",
        "category": "Path",
        "category_separator": "/",
        "currency": currency_column,
    }
    supplier = Supplier(
        code="camp",
        name="Camp",
        currency=currency,
        sources=(Source(url="feed.csv"),),
        mapping=Mapping.model_validate(fields | mapping),
    )
    return RowMapper(supplier, source="feed.csv")


def product(row: dict[str, Any], **mapping: Any) -> ProductRecord:
    """Map one good row."""
    record = mapper(**mapping).map(RawRow(2, GOOD | row))
    assert isinstance(record, ProductRecord), record
    return record


def reject(row: dict[str, Any], **mapping: Any) -> RejectRecord:
    """Map one bad row."""
    record = mapper(**mapping).map(RawRow(2, GOOD | row))
    assert isinstance(record, RejectRecord), record
    return record


def test_a_product() -> None:
    """Every field comes from its column, cleaned."""
    expected = ProductRecord(
        sku="A1",
        name="Tent",
        dealer_code="camp",
        dealer_name="Camp",
        category="Camp > Tents",
        quantity=7,
        price_retail=Decimal("1234.50"),
        currency="EUR",
    )
    assert expected == product({})


def test_empty_is_none() -> None:
    """Blank optional cells are absent values, not empty texts or zeros."""
    found = product({"Price": " ", "Stock": "", "Path": None})
    assert (None, None, None, None) == (
        found.price_retail,
        found.currency,
        found.quantity,
        found.category,
    )


def test_constants_and_params() -> None:
    """Constants reach every product; attributes keep their JSON kind and drop blanks."""
    found = product(
        {"w": Decimal("1.5"), "n": Decimal(2), "c": " ", "tags": ["a", Decimal("0.5")], "ok": True},
        brand_name={"value": "Nordlys"},
        status={"value": "draft"},
        params={"weight": "w", "count": "n", "colour": "c", "tags": "tags", "ok": "ok"},
    )
    assert "Nordlys" == found.brand_name
    assert "draft" == found.status
    assert {"weight": 1.5, "count": 2, "tags": ["a", 0.5], "ok": True} == found.params


def test_numbers_as_text_fields() -> None:
    """A workbook's or JSON's number is a good sku and name."""
    assert ("1042", "7") == (product({"No": 1042}).sku, product({"Title": 7}).name)


def test_category_list() -> None:
    """A JSON list of names is a category path."""
    assert "Camp > Tents" == product({"Path": ["Camp", None, "Tents "]}).category


def test_currency_column_wins() -> None:
    """A row's own currency goes before the supplier's."""
    row_mapper = mapper(currency="EUR", currency_column="Cur")
    record = row_mapper.map(RawRow(2, GOOD | {"Price": "5 $", "Cur": "usd"}))
    assert isinstance(record, ProductRecord)
    assert "USD" == record.currency


def test_the_other_decimal_mark() -> None:
    """A price that only has the other mark says what to set; what is no number does not."""
    point = mapper(decimal=".")
    wrong, none = (
        point.map(RawRow(2, GOOD | {"Price": price})) for price in ("1 200,50 €", "on request")
    )
    assert isinstance(wrong, RejectRecord)
    assert wrong.reason.endswith(
        'no number with the decimal mark "."; if the feed writes ",", set decimal = "," under '
        "[mapping]"
    )
    assert isinstance(none, RejectRecord)
    assert none.reason.endswith("'on request' is no number")


@pytest.mark.parametrize(
    ("row", "code", "said"),
    [
        ({"No": ""}, "missing_sku", "the column 'No' is empty"),
        ({"No": None}, "missing_sku", "the column 'No' is empty"),
        ({"Title": "  "}, "missing_name", "the column 'Title' is empty"),
        ({"Price": "on request"}, "bad_price", "the price 'on request' is no number"),
        ({"Price": "-1"}, "bad_price", "is negative"),
        ({"Price": "9" * 20}, "bad_price", "too large"),
        ({"Price": "1.234"}, "ambiguous_price", 'say decimal = ","'),
        ({"Price": "5 $"}, "wrong_currency", "not EUR"),
        ({"Price": True}, "bad_price", "no number"),
        ({"Stock": "a few"}, "bad_quantity", "'a few' is no number"),
        ({"Stock": "-2"}, "bad_quantity", "no count of pieces"),
        ({"Stock": "1.5"}, "bad_quantity", "no count of pieces"),
        ({"Stock": "1.500"}, "ambiguous_quantity", "two ways"),
        ({"No": "x" * 257}, "too_long", "sku has 257 characters; 256 are allowed"),
        ({"Title": "x" * 1001}, "too_long", "name has 1,001 characters"),
        ({"Title": "a\0b"}, "bad_text", "NUL"),
        ({"Title": ["a"]}, "bad_text", "name holds a list"),
        ({"Price": "0.12345678901"}, "invalid_value", "price_retail cannot be stored"),
    ],
)
def test_rejects(row: dict[str, Any], code: str, said: str) -> None:
    """A row that is no product says why, in a code for counting and a sentence."""
    found = reject(row)
    assert code == found.reason_code
    assert said in found.reason
    assert ("feed.csv", 2) == (found.source, found.row_number)


def test_required() -> None:
    """A field the supplier calls required may not be blank."""
    assert "missing_price_retail" == reject({"Price": ""}, required=["price_retail"]).reason_code


def test_no_currency_known() -> None:
    """Where the supplier file names no currency, an ISO code beside the price does."""
    assert "CHF" == product({"Price": "CHF 5"}, currency=None).currency
    assert None is product({"Price": "5"}, currency=None).currency
    assert "wrong_currency" == reject({"Price": "$ 5"}, currency=None).reason_code


def test_bad_rows_pass_through() -> None:
    """What the reader found broken becomes a reject with the reader's reason."""
    found = mapper().map(BadRow(9, "ragged_row", "too few", {"No": "A1"}))
    expected = RejectRecord(
        source="feed.csv",
        row_number=9,
        reason_code="ragged_row",
        reason="too few",
        raw={"No": "A1"},
    )
    assert expected == found


def test_rejects_keep_their_row() -> None:
    """A reject has its row whole, however odd: what a store cannot hold is marked."""
    row = {"No": "", "Title": "x" * 5000, "nul": "a\0b", "deep": {"a": [1]}, "big": 2**70}
    raw = reject(row | {f"c{n}": n for n in range(500)}).raw
    assert 5000 == len(raw["Title"])
    assert ({"…": "a␀b"}, {"a": [1]}, {"#": str(2**70)}) == (raw["nul"], raw["deep"], raw["big"])
    assert 499 == raw["c499"]


def test_rejects_are_bounded() -> None:
    """A reject never keeps megabytes, and says where it is cut."""
    raw = reject({"No": "", "Title": "ж" * 50_000} | {f"c{n}": n for n in range(500)}).raw
    assert {"…": "ж" * 499 + "…"} == raw["Title"]
    assert {"…": "405 further columns"} == raw["…"]
    assert 101 == len(raw)
    assert 1000 >= len(reject({"Price": "x" * 50_000}).reason)


def test_a_shortened_row_is_not_tried_again() -> None:
    """What is left of a long row would be another product."""
    raw = reject({"No": "", "Title": "x" * 70_000}).raw
    again = mapper().map(RawRow(2, raw | {"No": "A1"}))
    assert isinstance(again, RejectRecord)
    assert "not_whole" == again.reason_code
    assert not is_replayable("missing_sku", raw)


def test_numbers_that_no_reader_takes() -> None:
    """A number with a monstrous exponent stays as it is written; a negative zero is zero."""
    row = {"w": Decimal("1e999999999"), "v": Decimal("1e-999999999")}
    found = product(row | {"Price": Decimal("-0.0")}, params=["w", "v"])
    assert {"w": "1E+999999999", "v": "1E-999999999"} == found.params
    assert "0.0" == str(found.price_retail)
