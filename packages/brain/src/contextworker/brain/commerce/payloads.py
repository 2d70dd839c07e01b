"""Products and enrichments in the contract's words.

A payload's numbers are doubles. What a double would bend (an amount of more than some 15 digits, an
integer beyond ±2^53) travels as text.
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from contextcore.payload import MAX_INTEGER
from contextworker.brain.models import Enrichment, EnrichmentStatus, ProductFields
from contextworker.brain.values import canonical_decimal

REMOVED: Final = "removed"
"""The status of a product that its supplier's feed no longer has."""

EXTRA_FIELDS: Final = ("description", "url", "image_url", "availability")
"""Fields that the contract of UpsertDealerProduct lacks: they travel in `params`."""

# The contract knows what is done and what is to do; what for is this side's affair.
_STATUS_WORDS: Final = {EnrichmentStatus.WAITING: EnrichmentStatus.PENDING.value}

_FIELDS: Final = (
    "dealer_code",
    "dealer_name",
    "sku",
    "name",
    "category",
    "brand_name",
    "currency",
    "status",
)


def product_payload(
    tenant_id: str, item: ProductFields, *, removed: bool = False
) -> dict[str, Any]:
    """Return what UpsertDealerProduct takes; a field without a value is null, which empties it."""
    payload = {name: getattr(item, name) for name in _FIELDS}
    price = item.price_retail
    return payload | {
        "tenant_id": tenant_id,
        "quantity": exact(item.quantity),
        "price_retail": None if price is None else exact_amount(price),
        "params": extras(item) | exact(item.params),
        "status": REMOVED if removed else item.status,
    }


def enrichment_payload(tenant_id: str, service_id: str, item: Enrichment) -> dict[str, Any]:
    """Return what UpdateEnrichment takes."""
    return {
        "tenant_id": tenant_id,
        "product_id": service_id,
        "enrichment": exact(item.results),
        "status": _STATUS_WORDS.get(item.status, item.status.value),
    }


def extras(item: ProductFields) -> dict[str, str]:
    """Return the values that travel in params; the feed's own params of these names win."""
    return {name: str(value) for name in EXTRA_FIELDS if (value := getattr(item, name)) is not None}


def exact_amount(amount: Decimal) -> float | int | str:
    """Return an amount as a number where its reader gets every digit, else as text."""
    text = canonical_decimal(amount)
    number = float(text)
    if not math.isfinite(number) or Decimal(repr(number)) != amount:
        return text
    return int(number) if number.is_integer() and abs(number) <= MAX_INTEGER else number


def exact(value: Any) -> Any:
    """Return a JSON value with integers as text where a double would bend them."""
    match value:
        case bool():
            return value
        case int() if abs(value) > MAX_INTEGER:
            return str(value)
        case Mapping():
            return {key: exact(item) for key, item in value.items()}
        case list():
            return [exact(item) for item in value]
        case _:
            return value
