"""Where one field of a product comes from: a column as it is, or what a few steps make of it."""

from typing import Annotated, Any, Self

import polars as pl
from babel.numbers import is_currency
from pydantic import BeforeValidator, Field, field_validator, model_validator

from contextworker.harvest.suppliers.section import Section

_PATTERN_LENGTH = 500
_MOST_PIECES = 10**9
# Steps that only a text goes through.
_TEXT_STEPS = frozenset({"split", "regex", "values"})

Column = Annotated[str, Field(min_length=1)]


class Binding(Section):
    """One field's origin, then the steps to its value, in the order of the keys here.

    In a supplier file `"price"` is short for `{ column = "price" }`.
    """

    column: Column | None = None
    columns: tuple[Column, ...] | None = Field(default=None, min_length=2, max_length=20)
    """The first of them that is not blank in a row."""
    join: tuple[Column, ...] | None = Field(default=None, min_length=2, max_length=20)
    """Those that are not blank, with `with` between them."""
    value: str | bool | int | float | None = None
    """The same in every row."""

    joiner: str = Field(default=" ", alias="with")
    split: str | None = Field(default=None, min_length=1)
    part: int | None = Field(default=None, ge=1, le=1000)
    """Which part, from 1, `split` leaves."""
    regex: str | None = Field(default=None, min_length=1, max_length=_PATTERN_LENGTH)
    """Rust's syntax, which takes time in proportion to the text, whatever the pattern."""
    group: int | None = Field(default=None, ge=0)
    values: dict[str, str] | None = Field(default=None, min_length=1)
    """What a word stands for; a word that is not listed stays."""
    default: str | bool | int | float | None = None
    optional: bool = False
    """The feed need not have the column."""

    divide_by: str | float | None = None
    """How many pieces the price is for: a column, or a number."""
    convert_to: str | None = None
    rates: Column = "currencies"
    """The column with a JSON object of what one unit of each currency is worth."""
    digits: int | None = Field(default=None, ge=0, le=10)
    """Of a price that was divided or converted, after the decimal mark."""

    @field_validator("value", "default", mode="before")
    @classmethod
    def _is_a_value(cls, value: Any) -> Any:
        if isinstance(value, str | bool | int | float) and value == value:  # noqa: PLR0124 - NaN
            return value
        raise ValueError("give a text, a number, true or false")

    @field_validator("divide_by", mode="before")
    @classmethod
    def _is_a_count(cls, divisor: Any) -> Any:
        if isinstance(divisor, str) and divisor:
            return divisor
        is_number = isinstance(divisor, int | float) and not isinstance(divisor, bool)
        if is_number and 0 < divisor <= _MOST_PIECES:
            return float(divisor)
        raise ValueError("name the column that says for how many pieces a price is, or a number")

    @field_validator("values", mode="before")
    @classmethod
    def _words(cls, values: Any) -> Any:
        """Take numbers and truths for the words they are."""
        if not isinstance(values, dict):
            return values
        return {
            str(key).strip(): word(item) if isinstance(item, bool | int | float) else item
            for key, item in values.items()
        }

    @field_validator("convert_to")
    @classmethod
    def _is_a_currency(cls, code: str | None) -> str | None:
        if code is not None and not is_currency(code, locale="en"):
            raise ValueError(f"{code!r} is no ISO 4217 currency code such as EUR")
        return code

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [key for key in ("column", "columns", "join", "value") if self._has(key)]
        if len(origins) != 1:
            found = " and ".join(origins) or "none"
            raise ValueError(f"give one of column, columns, join and value; this has {found}")
        if origins == ["value"] and self.model_fields_set - {"value"}:
            others = ", ".join(sorted(map(toml_key, self.model_fields_set - {"value"})))
            raise ValueError(f"a value is the same in every row; it takes no {others}")
        for key, needs in (("joiner", "join"), ("rates", "convert_to")):
            if key in self.model_fields_set and not self._has(needs):
                raise ValueError(f"{toml_key(key)} goes with {needs}")
        if (self.split is None) != (self.part is None):
            raise ValueError('split and part go together, such as split = "/", part = 1')
        if self.digits is not None and self.divide_by is None and self.convert_to is None:
            raise ValueError("digits goes with divide_by or convert_to")
        return self

    @model_validator(mode="after")
    def _regex_is_one(self) -> Self:
        if self.regex is None:
            if self.group is not None:
                raise ValueError("group goes with regex")
            return self
        try:
            groups = _groups(self.regex)
        except pl.exceptions.PolarsError as error:
            said = str(error).split("\n\nThis error", maxsplit=1)[0].strip().splitlines()
            raise ValueError(
                f"the regex {self.regex!r} is none: {said[-1].removeprefix('error: ')}; "
                "its syntax is Rust's, without look-around and back-references"
            ) from None
        if self.group is not None and self.group > groups:
            raise ValueError(
                f"the regex {self.regex!r} has {groups} groups; there is no group {self.group}"
            )
        return self

    def _has(self, key: str) -> bool:
        return getattr(self, key) is not None

    @property
    def captured(self) -> int:
        """Which group the regex leaves: its first one, or, without groups, all it matches."""
        if self.group is not None or self.regex is None:
            return self.group or 0
        return min(1, _groups(self.regex))

    @property
    def origins(self) -> tuple[str, ...]:
        """The columns the value comes from."""
        return self.columns or self.join or ((self.column,) if self.column else ())

    @property
    def further(self) -> tuple[str, ...]:
        """The columns that the steps need besides."""
        divisor = (self.divide_by,) if isinstance(self.divide_by, str) else ()
        return divisor + ((self.rates,) if self.convert_to else ())

    @property
    def is_text(self) -> bool:
        """Whether a step makes a text of what the columns hold."""
        return self.join is not None or any(map(self._has, _TEXT_STEPS))


def _groups(pattern: str) -> int:
    """Count the groups of a regex.

    Raises:
        pl.exceptions.PolarsError: It is none, or too large.
    """
    found = pl.Series([""]).str.extract_groups(pattern).dtype
    return len(found.fields) if isinstance(found, pl.Struct) else 0


def word(value: float | str) -> str:
    """Return how a value of a TOML file reads as a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def toml_key(field: str) -> str:
    """Return the key under which a supplier file has a field of a section."""
    return {"joiner": "with", "without": "except"}.get(field, field)


def _spelled_out(given: Any) -> Any:
    if isinstance(given, str):
        return {"column": given}
    if isinstance(given, dict | Binding):
        return given
    raise ValueError('name a column, such as "price", or write a table, such as { value = "new" }')


Bound = Annotated[Binding, BeforeValidator(_spelled_out)]
