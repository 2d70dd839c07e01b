"""Harvests: where suppliers stand, what their runs did, and what they had to leave out."""

from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from contextworker.brain.models.record import Record
from contextworker.brain.values import Code, Instant, Int64, Text, canonical_json


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


class LastHarvest(Record):
    """When a tenant's supplier was last harvested with success."""

    tenant_id: str
    supplier_code: str
    finished_at: Instant


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
