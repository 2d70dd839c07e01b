"""Many rows as one parameter: JSON that the database unpacks itself.

A statement with a variable for every value of every row costs more to take apart (in the driver)
and to parse (in the database) than all of the rest, and runs into limits on variables. One JSON
text has neither, and makes a batch one statement whatever its size.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Numeric,
    Text,
    bindparam,
    cast,
    column,
    func,
    type_coerce,
)
from sqlalchemy.types import TypeEngine

Types = Mapping[str, TypeEngine[Any]]

TEXT = Text()
INTEGER = BigInteger()
DECIMAL = Numeric()
OBJECT = JSON()

ROWS = "rows"
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode(value: Any) -> str:
    """Return compact JSON; a Decimal goes in as its text."""
    return _encode(value)


def unpacked(dialect: str, types: Types) -> dict[str, ColumnElement[Any]]:
    """Return the columns of the rows that the parameter `rows` holds, by name."""
    if dialect == "sqlite":
        value = func.json_each(bindparam(ROWS, type_=TEXT)).table_valued("value").c.value
        return {
            name: type_coerce(func.json_extract(value, f"$.{name}"), kind)
            for name, kind in types.items()
        }
    source = func.json_to_recordset(cast(bindparam(ROWS, type_=TEXT), JSON))
    rows = source.table_valued(
        *(column(name, kind) for name, kind in types.items())
    ).render_derived(with_types=True)
    return {name: rows.c[name] for name in types}


def parameter(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the parameter for the rows."""
    return {ROWS: encode(rows)}
