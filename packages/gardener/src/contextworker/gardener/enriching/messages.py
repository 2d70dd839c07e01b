"""What a run's callers, workflow and activities say to each other."""

from abc import ABC, abstractmethod
from collections import Counter
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from temporalio import activity

from contextworker.core.messages import Message, ObjectRef, RoutePayload

StatusCounts = dict[str, int]
"""Products by what became of them: done, review, error."""


class Again(StrEnum):
    """What a run looks at again, though no product of it changed."""

    REVIEW = "review"
    """What is in review: after others were configured, who may know better."""
    ALL = "all"
    """Everything but what people decided: after the taxonomy or the vocabulary changed."""


class GardenerRequest(RoutePayload):
    """Enrich a tenant's pending products."""

    supplier_code: str | None = Field(
        default=None, min_length=1, max_length=256, description="Only this supplier's products."
    )
    batch_size: int = Field(default=1000, ge=1, le=1000, description="Products per batch.")
    parallel: int = Field(default=8, ge=1, le=32, description="Batches in hand at once.")
    max_batches: int | None = Field(
        default=None, ge=1, description="Stop after so many; else when no product is pending."
    )
    again: Again | None = Field(
        default=None,
        description="What is in `review`, or `all` but what people decided, is done again, too.",
    )

    @model_validator(mode="after")
    def _again_is_for_all_suppliers(self) -> Self:
        if self.again is not None and self.supplier_code is not None:
            # Unlike a ValueError's, its words are shown as they are.
            raise PydanticCustomError(
                "again", "again is for all suppliers: leave supplier_code out"
            )
        return self


class Spent(Message):
    """What language models took."""

    tokens: int = Field(default=0, ge=0)
    cost_usd: float = Field(default=0.0, ge=0)
    unsure_usd: float = Field(
        default=0.0, ge=0, description="At most, by attempts that were cut off before they said."
    )

    def plus(self, other: "Spent") -> "Spent":
        """Add up."""
        return Spent(
            tokens=self.tokens + other.tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            unsure_usd=self.unsure_usd + other.unsure_usd,
        )


class Settled(Message):
    """What one batch came to.

    Products that wait for a language model are counted once it has answered: `by_status` and
    `by_task` are of products that wait no more.
    """

    claimed: int = Field(default=0, ge=0)
    held_elsewhere: bool = Field(default=False, description="More wait, in other claims' hands.")
    cut_off: bool = Field(
        default=False,
        description="An attempt was cut off before: `claimed` may leave out what did not take.",
    )
    stored: int = Field(default=0, ge=0, description="Products whose enrichment was stored.")
    changed: int = Field(default=0, ge=0, description="Products that changed since the claim.")
    kept: int = Field(default=0, ge=0, description="Stored, but changed in nothing a task reads.")
    by_status: StatusCounts = Field(default_factory=dict)
    by_task: dict[str, StatusCounts] = Field(default_factory=dict)
    spent: Spent = Spent()
    at_limit: bool = Field(default=False, description="Another question could pass the budget.")


class Totals(Message):
    """What all batches came to so far."""

    batches: int = Field(default=0, ge=0)
    stored: int = Field(default=0, ge=0)
    kept: int = Field(default=0, ge=0)
    changed: int = Field(default=0, ge=0)
    by_status: StatusCounts = Field(default_factory=dict)
    by_task: dict[str, StatusCounts] = Field(default_factory=dict)
    spent: Spent = Spent()
    idle: int = Field(default=0, ge=0, description="Batches in a row that stored nothing.")

    @property
    def products(self) -> int:
        """Products that wait no more, not even for a language model."""
        return sum(self.by_status.values())

    def plus(self, settled: Settled) -> "Totals":
        """Add a batch; an empty claim is none, but an attempt before it may have spent."""
        if not settled.claimed:
            return self.model_copy(update={"spent": self.spent.plus(settled.spent)})
        tasks = sorted({*self.by_task, *settled.by_task})
        idle = settled.changed and not settled.stored
        return Totals(
            batches=self.batches + 1,
            stored=self.stored + settled.stored,
            kept=self.kept + settled.kept,
            changed=self.changed + settled.changed,
            by_status=sum_counts(self.by_status, settled.by_status),
            by_task={
                task: sum_counts(self.by_task.get(task, {}), settled.by_task.get(task, {}))
                for task in tasks
            },
            spent=self.spent.plus(settled.spent),
            idle=self.idle + 1 if idle else 0,
        )


class Scope(Message):
    """Whose products a run is about."""

    tenant_id: str
    supplier_code: str | None = None
    again: Again | None = None


class Waiting(Message):
    """How many products there are to do; None where the Brain cannot tell for one supplier."""

    pending: int | None
    waiting: int | None


class Knowledge(Message):
    """What all batches of a run go by."""

    brands: ObjectRef
    models: dict[str, ObjectRef] = Field(description="task -> its current trained model.")
    asks: int = Field(
        ge=0, description="Products per question to the tenant's language model; 0: it has none."
    )
    most_usd: float = Field(default=0.0, ge=0, description="One question costs hardly more.")
    lease_s: float = Field(gt=0, description="For how long a claim holds without news.")


class Carried(Message):
    """What a run that continues as new brings along."""

    totals: Totals
    knowledge: Knowledge
    expected: int | None = Field(description="Products to do, by the count at its beginning.")


class GardenerRun(GardenerRequest):
    """The request as the workflow reads it.

    The route's model is GardenerRequest, so the gateway refuses `so_far` from callers.
    """

    so_far: Carried | None = None


class Outcome(StrEnum):
    """Why a run ended."""

    NOTHING_PENDING = "nothing_pending"
    MAX_BATCHES = "max_batches"
    NO_PROGRESS = "no_progress"
    COST_LIMIT = "cost_limit"
    """Everything local is done; the products that wait for a language model stay `waiting`."""


class GardenerReport(Message):
    """What a run did: the payload of the workflow's answer."""

    outcome: Outcome
    batches: int
    products: int = Field(description="Enriched, and waiting for nothing more.")
    kept: int = Field(description="Of these, changed in nothing that a task reads.")
    changed: int = Field(description="Passed over because they changed meanwhile.")
    by_status: StatusCounts
    by_task: dict[str, StatusCounts]
    tokens: int = Field(description="That language models took.")
    cost_usd: float = Field(description="That language models cost.")
    remaining: int | None = Field(description="Still pending; null if unknown for one supplier.")
    waiting: int | None = Field(description="For a language model; null as above.")


class BatchRequest(Scope):
    """One batch; the claim's id makes a repeated attempt the same batch."""

    claim_id: str
    batch_size: int
    knowledge: Knowledge


class AskRequest(BatchRequest):
    """One batch for the language model."""

    budget_usd: float | None = Field(default=None, description="Left to spend; None: no limit.")


class GardenerActivities(ABC):
    """What the workflow asks of the world."""

    @activity.defn(name="count_waiting")
    @abstractmethod
    async def count_waiting(self, scope: Scope) -> Waiting:
        """Count the products that are to do."""

    @activity.defn(name="gather_knowledge")
    @abstractmethod
    async def gather_knowledge(self, scope: Scope) -> Knowledge:
        """Store the brands the tenant's catalogue knows; find its trained models."""

    @activity.defn(name="enrich_batch")
    @abstractmethod
    async def enrich_batch(self, request: BatchRequest) -> Settled:
        """Claim pending products, enrich them locally, settle them."""

    @activity.defn(name="ask_llm")
    @abstractmethod
    async def ask_llm(self, request: AskRequest) -> Settled:
        """Claim products that wait for a language model, ask it, settle them."""


def sum_counts(left: StatusCounts, right: StatusCounts) -> StatusCounts:
    """Add counts up, sorted by status."""
    return dict(sorted((Counter(left) + Counter(right)).items()))
