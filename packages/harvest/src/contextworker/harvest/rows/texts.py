"""Values as texts, the same for a row and for a column of a frame."""

import math
from decimal import Decimal
from typing import Any

from contextworker.brain.values import canonical_decimal
from contextworker.harvest.rows.problems import RowProblemError

# Rust's white space, which polars strips. Python would also strip the separators U+001C to U+001F.
WHITESPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
_LARGEST_EXPONENT = 300
_WHOLE_FLOATS = 1e15


def is_blank(value: Any) -> bool:
    """Whether a value says nothing. NaN is how data frames write that."""
    if isinstance(value, str):
        return not value.strip(WHITESPACE)
    return value is None or (isinstance(value, float) and math.isnan(value))


def plain(value: Any, *, field: str) -> str | None:
    """Return a value as a text without space around it; blank is None.

    Raises:
        RowProblemError: It is a list or an object, or holds half of a character.
    """
    if is_blank(value):
        return None
    if isinstance(value, dict | list | tuple):
        kind = "object" if isinstance(value, dict) else "list"
        raise RowProblemError("bad_text", f"{field} holds a {kind} where a text is expected")
    text = (value if isinstance(value, str) else _written(value)).strip(WHITESPACE)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise RowProblemError("bad_text", f"{field} holds half of a character") from None
    return text or None


def text(value: Any, *, field: str, longest: int) -> str | None:
    """Read a text that can be stored; blank is None.

    Raises:
        RowProblemError: It is too long, is no text, or holds a NUL character.
    """
    found = plain(value, field=field)
    if found is None:
        return None
    if "\0" in found:
        raise RowProblemError("bad_text", f"{field} holds a NUL character")
    if len(found) > longest:
        raise RowProblemError(
            "too_long", f"{field} has {len(found):,} characters; {longest:,} are allowed"
        )
    return found


def shown(value: Any) -> str:
    """Quote a value in a sentence."""
    return str(value) if isinstance(value, Decimal) else repr(value)


def _written(value: Any) -> str:
    """Write a number so that it does not matter which type a format has for it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if abs(value) < _WHOLE_FLOATS and value.is_integer():
            return str(int(value))
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        is_usual = value.is_finite() and abs(value.adjusted()) <= _LARGEST_EXPONENT
        return canonical_decimal(value) if is_usual else str(value)
    return str(value)
