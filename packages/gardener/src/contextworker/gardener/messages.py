"""What the gardener's callers, workflow and activities say to each other."""

from abc import ABC, abstractmethod
from collections import Counter
from enum import StrEnum

from pydantic import Field
from temporalio import activity

from contextworker.core.messages import Message, ObjectRef, RoutePayload

StatusCounts = dict[str, int]
"""Products by what became of them: done, review, error."""


class GardenerRequest(RoutePayload):
    """Enrich a tenant's pending products."""

    supplier_code: str | None = Field(
        default=None, min_length=1, max_length=256, description="Only this supplier's products."
    )
    batch_size: int = Field(default=200, ge=1, le=1000, description="Products per batch.")
    max_batches: int | None = Field(
        default=None, ge=1, description="Stop after so many; else when no product is pending."
    )


class Stored(Message):
    """What one batch came to."""

    applied: int = Field(default=0, ge=0, description="Products whose enrichment was stored.")
    changed: int = Field(default=0, ge=0, description="Changed since the claim: still pending.")
    by_status: StatusCounts = Field(default_factory=dict)
    by_task: dict[str, StatusCounts] = Field(default_factory=dict)


class Totals(Message):
    """What all batches came to so far."""

    batches: int = Field(default=0, ge=0)
    products: int = Field(default=0, ge=0)
    changed: int = Field(default=0, ge=0)
    by_status: StatusCounts = Field(default_factory=dict)
    by_task: dict[str, StatusCounts] = Field(default_factory=dict)
    idle: int = Field(default=0, ge=0, description="Batches in a row that stored nothing.")

    def plus(self, stored: Stored) -> "Totals":
        """Add a batch."""
        tasks = sorted({*self.by_task, *stored.by_task})
        return Totals(
            batches=self.batches + 1,
            products=self.products + stored.applied,
            changed=self.changed + stored.changed,
            by_status=_sum(self.by_status, stored.by_status),
            by_task={
                task: _sum(self.by_task.get(task, {}), stored.by_task.get(task, {}))
                for task in tasks
            },
            idle=0 if stored.applied else self.idle + 1,
        )


class GardenerRun(GardenerRequest):
    """The request as the workflow reads it: a run continued as new brings its totals along.

    The route's model is GardenerRequest, so the gateway refuses `so_far` from callers.
    """

    so_far: Totals = Totals()


class Outcome(StrEnum):
    """Why a run ended."""

    NOTHING_PENDING = "nothing_pending"
    MAX_BATCHES = "max_batches"
    NO_PROGRESS = "no_progress"


class GardenerReport(Message):
    """What a run did: the payload of the workflow's answer."""

    outcome: Outcome
    batches: int
    products: int = Field(description="Enriched and stored.")
    changed: int = Field(description="Passed over because they changed meanwhile.")
    by_status: StatusCounts
    by_task: dict[str, StatusCounts]
    remaining: int | None = Field(description="Still pending; null if unknown for one supplier.")


class Scope(Message):
    """Whose products a run is about."""

    tenant_id: str
    supplier_code: str | None = None


class ClaimRequest(Scope):
    """How many of them to take."""

    batch_size: int


class Batch(Message):
    """Products taken for enrichment, as an object; none when nothing is pending."""

    tenant_id: str
    count: int = Field(ge=0)
    products: ObjectRef | None = None


class EnrichRequest(Message):
    """One task over one batch."""

    tenant_id: str
    products: ObjectRef
    brands: ObjectRef


class TaskOutput(Message):
    """One task's results for a batch as an object, in its order; or why there are none."""

    task: str
    results: ObjectRef | None = None
    failure: str | None = None


class StoreRequest(Message):
    """The results of every task over one batch."""

    tenant_id: str
    products: ObjectRef
    outputs: list[TaskOutput]


class GardenerActivities(ABC):
    """What the workflow asks of the world."""

    @activity.defn(name="count_pending")
    @abstractmethod
    async def count_pending(self, scope: Scope) -> int | None:
        """Count the products that wait; None where the Brain cannot tell for one supplier."""

    @activity.defn(name="list_brands")
    @abstractmethod
    async def list_brands(self, scope: Scope) -> ObjectRef:
        """Store the brands the tenant's catalogue knows, for all batches of a run."""

    @activity.defn(name="claim_batch")
    @abstractmethod
    async def claim_batch(self, request: ClaimRequest) -> Batch:
        """Take pending products into a batch object."""

    @activity.defn(name="taxonomy")
    @abstractmethod
    async def taxonomy(self, request: EnrichRequest) -> TaskOutput:
        """Find each product's category."""

    @activity.defn(name="brand_model")
    @abstractmethod
    async def brand_model(self, request: EnrichRequest) -> TaskOutput:
        """Find each product's brand and model."""

    @activity.defn(name="attributes")
    @abstractmethod
    async def attributes(self, request: EnrichRequest) -> TaskOutput:
        """Find each product's measures, colours and sizes."""

    @activity.defn(name="store_enrichment")
    @abstractmethod
    async def store_enrichment(self, request: StoreRequest) -> Stored:
        """Merge the results and write them to the Brain."""


def _sum(left: StatusCounts, right: StatusCounts) -> StatusCounts:
    return dict(sorted((Counter(left) + Counter(right)).items()))
