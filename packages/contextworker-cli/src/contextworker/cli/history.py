"""A product's history with its beginning, which is no change and so no entry of the Brain's."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from contextworker.brain import HistoryEntry, HistoryField, Product
from contextworker.brain.values import canonical_decimal

MOST_PRODUCTS = 500
"""How many products are asked for at once."""

_FOLLOWED = (HistoryField.PRICE, HistoryField.QUANTITY, HistoryField.AVAILABILITY)


class HistoryLine(BaseModel):
    """A change of one field, or the value that a product was first seen with."""

    model_config = ConfigDict(frozen=True)

    sku: str
    dealer_code: str
    product_id: str
    field: HistoryField
    old: str | None
    new: str | None
    is_first: bool
    currency: str | None
    """The product's own, today."""
    run_id: str | None
    changed_at: datetime


def history_of(
    products: Sequence[Product], entries: Iterable[HistoryEntry], *, is_whole: bool
) -> list[HistoryLine]:
    """Return changes and first values, the latest first.

    Args:
        products: With one SKU, as they are stored.
        entries: Of them, the latest first.
        is_whole: The entries go back to the beginning; else nobody knows the first values.
    """
    by_id = {item.product_id: item for item in products}
    lines = [
        HistoryLine(
            **entry.model_dump(),
            is_first=False,
            currency=by_id[entry.product_id].currency if entry.product_id in by_id else None,
        )
        for entry in entries
    ]
    if not is_whole:
        return lines
    first = {(line.product_id, line.field): line.old for line in lines}  # the earliest stays
    lines += [
        HistoryLine(
            sku=item.sku,
            dealer_code=item.dealer_code,
            product_id=item.product_id,
            field=field,
            old=None,
            new=value,
            is_first=True,
            currency=item.currency,
            run_id=None,
            changed_at=item.first_seen_at,
        )
        for item in products
        for field in _FOLLOWED
        if (value := first.get((item.product_id, field), _now(item, field))) is not None
    ]
    return lines


def _now(product: Product, field: HistoryField) -> str | None:
    match field:
        case HistoryField.PRICE:
            amount = product.price_retail
            return None if amount is None else canonical_decimal(amount)
        case HistoryField.QUANTITY:
            return None if product.quantity is None else str(product.quantity)
        case _:
            return product.availability
