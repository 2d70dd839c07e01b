"""Mapped by the column or row by row: the same products, rejects and warnings."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextworker.brain.frames import PRODUCT_SCHEMA
from contextworker.harvest.feeds.blocks import Block, RawRow
from contextworker.harvest.rows.mapped import Mapped
from contextworker.harvest.rows.mapper import ProductMapper
from contextworker.harvest.rows.raw import is_replayable
from contextworker.harvest.suppliers import Mapping, Source, Supplier

RATES = '{"UAH":"1","USD":"41.5","EUR":"44.123"}'
PLAIN = {
    "sku": "a",
    "name": "b",
    "price_retail": "c",
    "quantity": "d",
    "category": "e",
    "category_separator": ">",
    "brand_name": "f",
    "description": "b",
    "params": {"x": "e", 'y "z"': "f"},
}
MAPPINGS: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "point": PLAIN | {"decimal": ".", "required": ["price_retail"], "category_separator": None},
    "comma": PLAIN | {"decimal": ",", "currency": "f", "params": "*"},
    "steps": {
        "sku": "a",
        "name": {"join": ["b", "e", "gone"], "with": " / ", "optional": True},
        "brand_name": {"column": "e", "split": ">", "part": 2, "default": "House"},
        "description": {"column": "b", "regex": r"(\d+)\s*ml|(é+)", "group": 1},
        "category": {"columns": ["f", "e"], "values": {"a": "A > B", "b": " "}},
        "availability": {"column": "f", "values": {"yes": "in_stock"}},
        "quantity": {"column": "d", "default": 0},
        "price_retail": {"columns": ["gone", "c"], "divide_by": "d"},
        "status": {"value": "draft"},
        "params": {"c": {"column": "c", "regex": r"\p{L}+"}, "n": {"value": 7}},
    },
    "rates": {
        "sku": "a",
        "name": "b",
        "price_retail": {"column": "c", "convert_to": "UAH", "rates": "r"},
        "currency": "f",
        "params": {"*": "j", "e": "e"},
    },
    "lists": PLAIN
    | {
        "only": {"categories": ["camp*", "A"], "brands": ["*"]},
        "except": {"brands": ["no*b", "x"]},
    },
}
TEXTS = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.text(alphabet='aé \u00a0\u2003\x1c\x85\0"\\\n,.>0', max_size=6),
    st.sampled_from(
        ["", " ", "camp > a", "Camping>b> ", "A", "noab", "yes", "in stock", "InStock"]
    ),
    st.sampled_from(["https://schema.org/PreOrder", "true", "250 ml", "éé", "usd", "EUR", "RUR"]),
    st.sampled_from(["x" * 257, "é" * 200, "x" * 1001, "x" * 10_001]),
)
PRICES = st.one_of(
    TEXTS,
    st.decimals(-5, 10**13, places=2).map(str),
    st.decimals(0, 10**5, places=3).map(str),
    st.decimals(0, 10**4, places=2).map(lambda number: str(number).replace(".", ",")),
    st.from_regex(r"[0-9]{1,4}[.,' ]?[0-9]{0,4}[.,]?[0-9]{0,12} ?(EUR|USD|UAH|XXY|eur|€|\$)?"),
    st.sampled_from(
        ["007", "0", "-0", "00.10", "1e5", "12.50 EUR", "EUR 5", "5.", ".5", "٣", "1,50"]
    ),
)
NUMBERS = st.one_of(
    st.none(),
    st.integers(-3, 200).map(float),
    st.floats(),
    st.decimals(0, 10**9, places=2).map(float),
    st.sampled_from([0.1 + 0.2, 1e15, 1e16, 1e-7, -0.0, 1e300, 12.345, 1e11, 99999999999.99]),
)
WHOLE = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-2, 2000))
OBJECTS = st.one_of(
    TEXTS,
    st.dictionaries(st.text(max_size=3), st.one_of(TEXTS, st.integers(), st.booleans())).map(
        json.dumps
    ),
    st.sampled_from(['{"e": "own", "a": 1.50}', "[1]", '{"a": NaN}', '{"b": [" ", null]}', "{"]),
)


def column(strategy: st.SearchStrategy[Any], dtype: Any) -> st.SearchStrategy[tuple[Any, Any]]:
    """A kind of column: what is in it, and its type."""
    return st.just((strategy, dtype))


@st.composite
def frames(draw: Callable[[st.SearchStrategy[Any]], Any]) -> pl.DataFrame:
    """Blocks of a few rows with columns of any type."""
    height = draw(st.integers(1, 6))
    texts = column(TEXTS, pl.String)
    good = column(st.sampled_from(["A1", " B2\u00a0", "naïve 250 ml"]) | TEXTS, pl.String)
    kinds = {
        "a": good | column(WHOLE, pl.Int64) | column(NUMBERS, pl.Float64),
        "b": good | column(NUMBERS, pl.Float64),
        "c": column(PRICES, pl.String) | column(NUMBERS, pl.Float64) | column(WHOLE, pl.Int64),
        "d": column(PRICES, pl.String) | column(NUMBERS, pl.Float64) | column(WHOLE, pl.Int64),
        "e": texts | column(st.booleans() | st.none(), pl.Boolean) | column(NUMBERS, pl.Float64),
        "f": texts,
        "j": column(OBJECTS, pl.String),
        "r": column(st.sampled_from([RATES, "{}", "no", None]), pl.String),
    }
    columns = []
    for name, kind in kinds.items():
        strategy, dtype = draw(kind)
        values = draw(st.lists(strategy, min_size=height, max_size=height))
        columns.append(pl.Series(name, values, dtype=dtype))
    return pl.DataFrame(columns)


def mapper(name: str) -> ProductMapper:
    """Make a mapper by one of the mappings."""
    mapping = Mapping.model_validate(MAPPINGS[name])
    supplier = Supplier(
        code="camp", name="Camp", currency="EUR", sources=(Source(url="f.csv"),), mapping=mapping
    )
    return ProductMapper(supplier, "f.csv", mapping)


def outcome(mapper: ProductMapper, mapped: Iterator[Mapped]) -> dict[str, Any]:
    """What there is to compare of all that a mapper made."""
    parts = list(mapped)
    return {
        "products": [row for part in parts for row in part.products.rows()],
        "rejects": [reject for part in parts for reject in part.rejects],
        "skus": [sku for part in parts for sku in part.rejected_skus],
        "filtered": sum(part.filtered for part in parts),
        "warnings": mapper.finish(),
    }


QUICK = settings(max_examples=20, deadline=None, database=None, derandomize=True)
THOROUGH = settings(max_examples=1000, deadline=None, database=None)


def a_block_is_its_rows(name: str, frame: pl.DataFrame) -> None:
    """Compare what a block becomes with what its rows become."""
    block = Block(frame, pl.int_range(2, frame.height + 2, dtype=pl.UInt32, eager=True))
    at_once, by_row = mapper(name), mapper(name)
    mapped = at_once.map_block(block)
    assert PRODUCT_SCHEMA == mapped.products.schema
    assert frame.height == mapped.rows
    expected = outcome(by_row, (by_row.map_rows([row]) for row in block.rows()))
    assert expected == outcome(at_once, iter([mapped]))
    for reject in mapped.rejects:
        raw = json.loads(json.dumps(reject.raw))
        again = mapper(name).map_rows([RawRow(reject.row_number, raw)]).rejects
        assert (reject,) == again or not is_replayable(reject.reason_code, reject.raw)


@pytest.mark.parametrize("name", MAPPINGS)
@QUICK
@given(frame=frames())
def test_a_block_is_its_rows(name: str, frame: pl.DataFrame) -> None:
    """However odd its values, a block becomes what its rows become one by one.

    Its rejects, kept as JSON, fail for the same reason until the mapping is mended.
    """
    a_block_is_its_rows(name, frame)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MAPPINGS)
@THOROUGH
@given(frame=frames())
def test_any_block_is_its_rows(name: str, frame: pl.DataFrame) -> None:
    """As above, with other values every time."""
    a_block_is_its_rows(name, frame)


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([1, None, 3], dtype=pl.Int16),
        pl.Series([1.5, None, 2.25], dtype=pl.Float32),
        pl.Series([None, None, None], dtype=pl.Null),
        pl.Series(["12.50", "7", None], dtype=pl.Categorical),
        pl.Series([["a"], None, []], dtype=pl.List(pl.String)),
        pl.Series([1, 2, None]).cast(pl.Date),
    ],
    ids=lambda values: str(values.dtype),
)
def test_other_types(values: pl.Series) -> None:
    """A column of a type that no format was expected to have is mapped all the same."""
    names = pl.Series(["^.*$", "*", "#"])
    frame = pl.DataFrame({"a": names, "b": names, "c": values, "^.*$": values, "*": names})
    with_object = {"*": {"column": "none", "optional": True}, "p": "*"}
    for params in (with_object, "*", ["^.*$"]):
        made = Mapping.model_validate(
            {"sku": "a", "name": "b", "price_retail": "c", "params": params}
        )
        supplier = Supplier(code="camp", name="Camp", sources=(Source(url="f.csv"),), mapping=made)
        block = Block(frame, pl.Series([1, 2, 3], dtype=pl.UInt32))
        at_once = ProductMapper(supplier, "f", made)
        by_row = ProductMapper(supplier, "f", made)
        expected = outcome(by_row, (by_row.map_rows([row]) for row in block.rows()))
        assert expected == outcome(at_once, iter([at_once.map_block(block)]))


WRITTEN = [
    *("1.234", "1,234", "12.345", "1234.567", "1 234,50", "1'234.50", "1 234", "12 34", "1 2345"),
    *(
        "1 234 567,5",
        "1,50 €",
        "€ 1.50",
        "1\u202f234,50 EUR",
        "USD 5",
        "5 $",
        "from 5 €",
        "EUR5EUR",
    ),
    *("1.50-", "+1.50", "0,00", "00", "1 234.567", "\u0661", "5 \u0661", "12,50 kr.", "1.234,50"),
    "1,234.50",
]
NUMERIC = [12.345, 0.1 + 0.2, 1e-7, 99.99, 12.0, -0.0, 1e11, 1e12, 123456789.125, None, -1.5]


@pytest.mark.parametrize("mark", [".", ",", None])
@pytest.mark.parametrize("values", [WRITTEN, NUMERIC], ids=["texts", "floats"])
def test_prices_are_read_alike(mark: str | None, values: list[Any]) -> None:
    """By the column or one by one, a price is read the same, or refused for the same reason."""
    frame = pl.DataFrame({"a": [f"A{n}" for n in range(len(values))], "c": values})
    made = Mapping.model_validate({"sku": "a", "name": "a", "price_retail": "c", "decimal": mark})
    supplier = Supplier(
        code="camp", name="Camp", currency="EUR", sources=(Source(url="f.csv"),), mapping=made
    )
    numbers = pl.int_range(2, frame.height + 2, dtype=pl.UInt32, eager=True)
    block = Block(frame, numbers)
    at_once, by_row = ProductMapper(supplier, "f", made), ProductMapper(supplier, "f", made)
    expected = outcome(by_row, (by_row.map_rows([row]) for row in block.rows()))
    assert expected == outcome(at_once, iter([at_once.map_block(block)]))


def test_control_characters_in_attributes() -> None:
    """What JSON escapes is escaped."""
    frame = pl.DataFrame({"a": ["A1"], "c": ["a\x01b\tc"]})
    made = Mapping.model_validate({"sku": "a", "name": "a", "params": ["c"]})
    supplier = Supplier(code="camp", name="Camp", sources=(Source(url="f.csv"),), mapping=made)
    block = Block(frame, pl.Series([1], dtype=pl.UInt32))
    products = ProductMapper(supplier, "f", made).map_block(block).products
    assert ['{"c":"a\\u0001b\\tc"}'] == products["params"].to_list()
