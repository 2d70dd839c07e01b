"""What the two databases say in different words."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, any_, cast, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.sql.json_rows import encode


def insert_into(table: Table, dialect: str) -> postgresql.Insert | sqlite.Insert:
    """Return the dialect's INSERT, which has ON CONFLICT."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def is_one_of(
    connection: AsyncConnection, column: ColumnElement[Any], values: Sequence[str]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of many values; no join that could go wrong."""
    if connection.dialect.name == "sqlite":
        given = func.json_each(literal(encode(list(values)), Text())).table_valued("value")
        return column.in_(select(given.c.value))
    # Cast as a whole: row-level security lets no row be found by what may fail on one.
    return column == any_(
        cast(literal(list(values), postgresql.ARRAY(Text)), postgresql.ARRAY(column.type))
    )
