"""Column types that give back on both databases exactly what was stored."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Numeric, String, Text, Uuid
from sqlalchemy.types import TypeDecorator, TypeEngine

# Ids are ordered by their bytes on both databases, whatever the server's locale.
Key = String().with_variant(String(collation="C"), "postgresql")

# Half the bytes of its text, and so an index of half the size. Its order is that of the text.
ProductId = String().with_variant(Uuid(as_uuid=False), "postgresql")

# PostgreSQL's json, not jsonb: it keeps the text, so numbers come back as they went in.
Json = JSON()
NullableJson = JSON(none_as_null=True)


class ExactDecimal(TypeDecorator[Decimal]):
    """An amount to the last digit: NUMERIC in PostgreSQL, text in SQLite, which has only floats."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Write plain digits, never an exponent."""
        return format(value, "f") if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 # as declared
        """Read a Decimal."""
        return value if value is None else Decimal(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: timestamptz in PostgreSQL, UTC text in SQLite; aware and in UTC when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write the instant in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 # as declared
    ) -> datetime | None:
        """Read it aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
