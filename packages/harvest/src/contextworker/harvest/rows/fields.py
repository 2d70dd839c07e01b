"""The fields of a product: what each is read from, and by what rule.

A rule is given once. `mapping.RowMapper` applies it to a row; `frames.FrameMapper` to each
different value of a block that it is not sure of at a glance.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any

from contextworker.harvest.rows import values
from contextworker.harvest.rows.prices import PriceReader
from contextworker.harvest.rows.texts import text
from contextworker.harvest.suppliers import Binding, Mapping, Supplier

LONGEST = {
    "sku": 256,
    "name": 1000,
    "brand_name": 256,
    "category": 2000,
    "description": 100_000,
    "url": 2048,
    "image_url": 2048,
    "status": 64,
    "availability": 256,
}


class Kind(StrEnum):
    """How a field is read."""

    TEXT = "text"
    CATEGORY = "category"
    QUANTITY = "quantity"
    AVAILABILITY = "availability"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a product."""

    name: str
    kind: Kind
    inputs: tuple[Binding, ...]
    read: Callable[..., Any]
    """Takes what `inputs` take, in that order; raises RowProblemError."""
    separator: str | None = None
    """Of a category."""
    price: PriceReader | None = None
    names: tuple[str, ...] = ()
    """Of a price's inputs: value, currency, pieces, rates."""


def fields_of(mapping: Mapping, supplier: Supplier) -> tuple[Field, ...]:
    """Return the mapped fields. Price and currency are one, and there is no params among them."""
    bindings = mapping.bindings
    fields = [
        _field(name, bound, mapping)
        for name, bound in bindings.items()
        if name not in {"price_retail", "currency"}
    ]
    if (bound := bindings.get("price_retail")) is not None:
        fields.append(_price(bound, bindings.get("currency"), mapping, supplier))
    elif (currency := bindings.get("currency")) is not None:
        fields.append(_price(None, currency, mapping, supplier))
    return tuple(fields)


def _field(name: str, bound: Binding, mapping: Mapping) -> Field:
    longest = LONGEST.get(name, 0)
    if name == "category":
        separator = mapping.category_separator
        read = partial(values.category, separator=separator, longest=longest)
        return Field(name, Kind.CATEGORY, (bound,), read, separator=separator)
    if name == "quantity":
        return Field(name, Kind.QUANTITY, (bound,), partial(values.quantity, mark=mapping.decimal))
    kind = Kind.AVAILABILITY if name == "availability" else Kind.TEXT
    return Field(name, kind, (bound,), partial(text, field=name, longest=longest))


def _price(
    bound: Binding | None, currency: Binding | None, mapping: Mapping, supplier: Supplier
) -> Field:
    """Return the field whose inputs are those that `PriceReader.read` names, as far as mapped."""
    inputs: dict[str, Binding] = {}
    reader = PriceReader(currency=supplier.currency, mark=mapping.decimal)
    if bound is not None:
        inputs["value"] = bound
        divisor = bound.divide_by
        reader = PriceReader(
            currency=supplier.currency,
            mark=mapping.decimal,
            divisor=Decimal(repr(divisor)) if isinstance(divisor, float) else None,
            convert_to=bound.convert_to,
            digits=bound.digits,
        )
        if isinstance(divisor, str):
            inputs["pieces"] = Binding(column=divisor)
        if bound.convert_to is not None:
            inputs["rates"] = Binding(column=bound.rates)
    if currency is not None:
        inputs["currency"] = currency
    names = tuple(inputs)

    def read(*taken: Any) -> Any:
        given = dict(zip(names, taken, strict=True))
        return reader.read(given.pop("value", None), **given)

    taken_by = tuple(inputs.values())
    return Field("price_retail", Kind.PRICE, taken_by, read, price=reader, names=names)
