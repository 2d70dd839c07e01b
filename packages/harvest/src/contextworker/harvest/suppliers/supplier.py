"""A supplier, as its file describes it."""

from typing import Annotated

from babel.numbers import is_currency
from pydantic import AfterValidator, Field

from contextworker.harvest.suppliers.mapping import Mapping
from contextworker.harvest.suppliers.retry import RetrySection
from contextworker.harvest.suppliers.section import Section
from contextworker.harvest.suppliers.source import Source


def _currency_code(code: str) -> str:
    if not is_currency(code, locale="en"):
        raise ValueError(f"{code!r} is no ISO 4217 currency code such as EUR")
    return code


Currency = Annotated[str, AfterValidator(_currency_code)]


class Supplier(Section):
    """One configured source of feeds."""

    code: str
    name: str = Field(min_length=1)
    currency: Currency | None = None
    sources: tuple[Source, ...] = Field(min_length=1)
    mapping: Mapping = Mapping()
    retry: RetrySection = RetrySection()
    max_removed_fraction: float = Field(default=0.5, ge=0, le=1)
    """Of the listed products: what lacks more of them is not taken for a whole feed."""
