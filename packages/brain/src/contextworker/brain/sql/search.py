"""Finding products by text, the same in every script and on every database."""

import unicodedata

from sqlalchemy import ColumnElement, FromClause, Text, collate, func, literal, text
from sqlalchemy.ext.asyncio import AsyncConnection

FOLD = "brain_fold"
"""What `fold` is called in SQLite, which cannot fold case outside ASCII."""

# Those that know every script, whatever the database's locale; the first there is, is taken.
_COLLATIONS = ("pg_unicode_fast", "und-x-icu")
_KNOWN = text(
    "SELECT collname FROM pg_collation WHERE collname IN ('pg_unicode_fast', 'und-x-icu')"
)


def fold(value: str) -> str:
    """Return a text as search compares it: without case, and with one form for each letter."""
    if value.isascii():
        return value.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())


async def finds(connection: AsyncConnection, search: str, of: FromClause) -> ColumnElement[bool]:
    """Return the condition that the SKU, name or brand of some products holds a text."""
    searched = of.c.sku + "\n" + of.c.name + "\n" + func.coalesce(of.c.brand_name, "")
    if connection.dialect.name == "sqlite":
        folded: ColumnElement[str] = getattr(func, FOLD)(searched, type_=Text())
        return folded.contains(fold(search), autoescape=True)
    known = set((await connection.scalars(_KNOWN)).all())
    collation = next((name for name in _COLLATIONS if name in known), None)

    def upper(value: ColumnElement[str]) -> ColumnElement[str]:
        one_form = func.normalize(value, text("NFKC"), type_=Text())
        return func.upper(collate(one_form, collation) if collation else one_form, type_=Text())

    return func.strpos(upper(searched), upper(literal(search, Text()))) > 0
