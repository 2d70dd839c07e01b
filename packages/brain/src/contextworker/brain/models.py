"""The records that modules hand to the Brain and get back."""

import hashlib
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

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


class Record(BaseModel):
    """A frozen record; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EnrichmentStatus(StrEnum):
    """Where a product stands with the gardener."""

    PENDING = "pending"
    DONE = "done"
    REVIEW = "review"
    ERROR = "error"


class RunStatus(StrEnum):
    """How a harvest stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """It never said how it ended, and another run of its workflow has begun."""


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
    params: JsonObject = Field(default_factory=dict, description="Any further attributes.")
    url: Text | None = None
    image_url: Text | None = None
    status: Label = "active"


class ProductRecord(ProductFields):
    """A product as a feed has it, to be stored."""

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over the canonical JSON of the fields.

        Equal amounts hash equally (10.5 and 10.50), and an absent field is left out, so that a
        field added to this model later does not make every stored product look changed.
        """
        content = self.model_dump(exclude_none=True)
        if self.price_retail is not None:
            content["price_retail"] = canonical_decimal(self.price_retail)
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()


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


class UpsertCounts(Record):
    """What an upsert did; sums with `+`."""

    inserted: int = Field(default=0, ge=0)
    updated: int = Field(default=0, ge=0)
    unchanged: int = Field(default=0, ge=0)

    @property
    def total(self) -> int:
        """Products counted; what is missing from the rows sent were repeated SKUs."""
        return self.inserted + self.updated + self.unchanged

    def __add__(self, other: Self) -> "UpsertCounts":
        return UpsertCounts(
            inserted=self.inserted + other.inserted,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
        )


class Enrichment(Record):
    """What the gardener found out about one product."""

    product_id: str
    content_hash: str = Field(description="Of the product it was computed from.")
    status: EnrichmentStatus
    results: JsonObject = Field(description="task -> {status, result, confidence, source}.")

    @field_validator("status")
    @classmethod
    def _is_an_outcome(cls, status: EnrichmentStatus) -> EnrichmentStatus:
        if status is EnrichmentStatus.PENDING:
            raise ValueError("an enrichment is done, review or error; pending is what it ends")
        return status


class RejectRecord(Record):
    """A feed row that failed validation, with its reason."""

    source: Text = Field(max_length=1024, description="The feed's name or URL.")
    row_number: Int64 = Field(ge=0)
    reason_code: Code = Field(description="For counting, such as `missing_name`.")
    reason: Text = Field(description="One sentence for the shopkeeper.")
    raw: dict[str, Any] = Field(
        default_factory=dict, description="The row as read; what JSON lacks is stored as text."
    )


class Reject(RejectRecord):
    """A reject as the Brain has it."""

    run_id: str
    recorded_at: Instant

    @property
    def cursor(self) -> str:
        """Where the next page starts: give it as `after`."""
        return canonical_json([self.run_id, self.source, self.row_number])


class RunRecord(Record):
    """One harvest, as the Brain remembers it."""

    run_id: str
    workflow_id: str
    supplier_code: str
    status: RunStatus
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    error: str | None = None
    started_at: Instant
    finished_at: Instant | None = None
