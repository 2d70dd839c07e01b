"""Writes conditions of Temporal's visibility queries; a value never ends its quotes."""

from collections.abc import Collection
from datetime import UTC, datetime

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'"})


def quoted(value: str) -> str:
    """Write a text."""
    return f"'{value.translate(_ESCAPES)}'"


def one_of(field: str, values: Collection[str]) -> str:
    """Ask that a field has one of some values."""
    return f"{field} IN ({', '.join(quoted(value) for value in sorted(values))})"


def time(value: datetime) -> str:
    """Write a time."""
    return quoted(value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"))
