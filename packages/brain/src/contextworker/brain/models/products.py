"""Products, as feeds have them and as the Brain does, and what changes of them."""

import hashlib
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import Field

from contextworker.brain.models.record import Record
from contextworker.brain.values import (
    Code,
    Instant,
    Int64,
    JsonObject,
    Label,
    Money,
    Text,
    canonical_decimal,
    canonical_json,
)


class EnrichmentStatus(StrEnum):
    """Where a product stands with the gardener."""

    PENDING = "pending"
    WAITING = "waiting"
    """What could be found out on the spot is stored; a costly enricher is still to be asked."""
    DONE = "done"
    REVIEW = "review"
    ERROR = "error"


class Availability(StrEnum):
    """Whether a product can be bought, in the words of schema.org and of product feeds."""

    IN_STOCK = "in_stock"
    OUT_OF_STOCK = "out_of_stock"
    PREORDER = "preorder"
    BACKORDER = "backorder"
    DISCONTINUED = "discontinued"


class ProductFields(Record):
    """What a supplier says about a product."""

    sku: Code = Field(description="The supplier's own number; with dealer_code, the key.")
    name: Label
    dealer_code: Code = Field(description="The supplier's code.")
    dealer_name: Text = ""
    category: Text | None = None
    brand_name: Text | None = None
    description: Text | None = None
    quantity: Int64 | None = None
    price_retail: Money | None = None
    currency: Text | None = None
    availability: Availability | None = None
    params: JsonObject = Field(default_factory=dict, description="Any further attributes.")
    url: Text | None = None
    image_url: Text | None = None
    status: Label = "active"


class ProductRecord(ProductFields):
    """A product as a feed has it, to be stored."""

    @cached_property
    def content_hash(self) -> str:
        """Half of a SHA-256, in hex, over `NUL name NUL value` of each field.

        Equal amounts hash equally (10.5 and 10.50), and an absent field is left out, so that a
        field added to this model later does not make every stored product look changed. No value
        holds a NUL, so no two contents are the same text.
        """
        text = "".join(
            f"\0{name}\0{_canonical(value)}"
            for name in CONTENT_FIELDS
            if (value := getattr(self, name)) is not None
        )
        return hashlib.sha256(text.encode()).hexdigest()[:32]


CONTENT_FIELDS = tuple(ProductFields.model_fields)
"""What a content hash is made of, in this order: a new field goes to the end."""


def _canonical(value: Any) -> str:
    if isinstance(value, Decimal):
        return canonical_decimal(value)
    return canonical_json(value) if isinstance(value, dict) else str(value)


class Product(ProductFields):
    """A product as the Brain has it."""

    product_id: str
    tenant_id: str
    enrichment: dict[str, Any] = Field(
        default_factory=dict, description="task -> {status, result, confidence, source}."
    )
    enrichment_status: EnrichmentStatus
    content_hash: str = Field(description="Of the content that is stored now.")
    first_seen_at: Instant
    last_seen_at: Instant = Field(description="When a feed last had it, changed or not.")
    updated_at: Instant = Field(description="When its content last changed.")
    removed_at: Instant | None = Field(
        default=None, description="When its supplier's feed was first without it; None if it is in."
    )


class HistoryField(StrEnum):
    """What of a product the history follows."""

    PRICE = "price_retail"
    QUANTITY = "quantity"
    AVAILABILITY = "availability"
    LISTED = "listed"
    """Whether the supplier's feed has the product: `true` or `false`."""


class HistoryEntry(Record):
    """One change of one field. Entries are only ever added.

    What a product was inserted with is no change: it is the first entry's `old`, or the product's
    value where there is no entry.
    """

    product_id: str
    sku: str
    dealer_code: str
    field: HistoryField
    old: str | None
    new: str | None
    run_id: str = Field(description="The run that saw it.")
    changed_at: Instant
