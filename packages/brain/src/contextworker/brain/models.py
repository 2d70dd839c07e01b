"""The records that modules hand to the Brain and get back."""

import hashlib
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

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


class RunStatus(StrEnum):
    """How a harvest stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    NOT_MODIFIED = "not_modified"
    """The feeds are what they were at the last harvest: nothing was read, nothing changed."""
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


class FeedState(Record):
    """What is remembered of a feed, so that the next harvest can tell whether it changed."""

    source: str = Field(description="As rejects name it.")
    etag: str | None = None
    last_modified: str | None = None
    digest: str = Field(description="SHA-256 of its bytes, unpacked.")
    size: int = Field(ge=0)
    key: str = Field(description="Of its object in the object store.")
    columns: tuple[str, ...] = ()


class SupplierState(Record):
    """Where a supplier stands after its latest completed harvest."""

    dealer_code: Code
    run_id: str = Field(description="That harvest.")
    config_digest: str = Field(description="Of what the supplier's file said then.")
    is_whole: bool = Field(
        default=True, description="The feeds list everything: what they lack is gone."
    )
    feeds: tuple[FeedState, ...] = ()


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
    results: JsonObject = Field(description="task -> its entry, as the gardener's README has it.")
    edges: tuple["Edge", ...] | None = Field(
        default=None, description="All the product's relations from now on; None leaves them be."
    )

    @field_validator("status")
    @classmethod
    def _is_an_outcome(cls, status: EnrichmentStatus) -> EnrichmentStatus:
        if status is EnrichmentStatus.PENDING:
            raise ValueError(
                "an enrichment is done, review, error or waiting; pending is what it ends"
            )
        return status

    @field_validator("edges")
    @classmethod
    def _are_its_own(
        cls, edges: tuple["Edge", ...] | None, info: ValidationInfo
    ) -> tuple["Edge", ...] | None:
        product_id = info.data.get("product_id")
        for edge in edges or ():
            if edge.product_id != product_id:
                raise ValueError(f"an edge of product {edge.product_id} is not {product_id}'s")
        return edges


class Relation(StrEnum):
    """What a product has to do with something else."""

    BRAND = "brand"
    CATEGORY = "category"
    TECHNOLOGY = "technology"
    MATERIAL = "material"


class Edge(Record):
    """One relation of a product, in the tenant's graph."""

    product_id: str
    relation: Relation
    target: Code = Field(description="Identifies what it points to, such as a category's id.")
    name: Text = Field(description="The target's name, as shown.")
    confidence: float = Field(ge=0, le=1)

    @property
    def cursor(self) -> str:
        """Where the next page starts: give it as `after`."""
        return canonical_json([self.product_id, self.relation.value, self.target])


class Claim(Record):
    """Products that one worker has to itself until the lease ends."""

    claim_id: str
    products: tuple[Product, ...] = ()
    settled: tuple[str, ...] | None = Field(
        default=None, description="Where the claim is settled: the products that took a result."
    )
    held_elsewhere: bool = Field(
        default=False, description="Others wait too, but are in the hands of other claims."
    )


class Example(Record):
    """What a person said of a product: what models of a task learn from."""

    example_id: str = Field(description="One of the same id replaces it.")
    task: Code
    product_id: str | None = None
    text: JsonObject = Field(description="The product as enrichers saw it then.")
    label: JsonObject = Field(description="The task's right result.")
    decided_by: Text
    decided_at: Instant


class ModelRecord(Record):
    """A trained model: where its artefact is, and how good it was found to be."""

    task: Code
    version: Code = Field(description="Of the artefact's content.")
    object_key: Text
    size: Int64 = Field(ge=0, description="Bytes.")
    examples: Int64 = Field(ge=0, description="It was trained on.")
    scores: JsonObject = Field(description="By cross-validation.")
    trained_by: Text
    trained_at: Instant


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
    resolved_run_id: str | None = Field(
        default=None, description="The run that made a product of it after all."
    )

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
    removed: int = 0
    rejected: int = 0
    error: str | None = None
    started_at: Instant
    finished_at: Instant | None = None
