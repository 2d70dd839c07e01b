"""The harvest contract: what callers send and get, and the activities the workflow calls."""

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from temporalio import activity

from contextworker.core.messages import Message, ObjectRef, RoutePayload, TenantId

ALL_SUPPLIERS = "all"
WORKFLOW_ID = "harvest-{tenant_id}-{supplier_code}"
"""One harvest a supplier at a time."""

REPLAY_SUFFIX = "/replay"
"""What the run_id of a replay ends with: it brings no newer rows."""

SUPPLIER_CODE_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"
SUPPLIER_CODE_MAX_LENGTH = 64

SupplierCode = Annotated[
    str,
    StringConstraints(pattern=SUPPLIER_CODE_PATTERN, max_length=SUPPLIER_CODE_MAX_LENGTH),
]


class FeedFormat(StrEnum):
    """How a feed is written."""

    CSV = "csv"
    TSV = "tsv"
    JSON = "json"
    JSONL = "jsonl"
    XLSX = "xlsx"
    XLS = "xls"
    ODS = "ods"
    PARQUET = "parquet"
    GOOGLE = "google"
    """Google Merchant's product data as XML, RSS or Atom."""
    GOOGLE_TSV = "google_tsv"
    YML = "yml"
    """Yandex Market Language, `yml_catalog`."""
    SHOPIFY = "shopify"
    """Shopify's product export, a CSV with rows that continue the one before."""
    BMECAT = "bmecat"


class HarvestRequest(RoutePayload):
    """Harvest one supplier, or every one."""

    supplier_code: SupplierCode = Field(
        description="Name of the supplier's file without .toml; `all` for every supplier."
    )
    accept_removals: bool = Field(
        default=False,
        description="Let this one harvest remove more products than max_removed_fraction.",
    )
    replay_run_id: str | None = Field(
        default=None,
        max_length=1000,
        description="Try the rejects of this run again, with today's mapping, instead of a feed.",
    )

    @model_validator(mode="after")
    def _replays_one_supplier(self) -> Self:
        """Refuse what no run could be meant by."""
        if self.replay_run_id is not None and self.supplier_code == ALL_SUPPLIERS:
            raise ValueError("replay_run_id names one supplier's run; give that supplier_code")
        return self


class Retry(Message):
    """How often, and how patiently, a step is tried again after a failure that may pass."""

    maximum_attempts: int = Field(default=5, ge=1, le=100, description="The first one included.")
    initial_interval_s: float = Field(default=2, gt=0, le=3600, description="Before the second.")
    maximum_interval_s: float = Field(default=120, gt=0, le=86_400, description="Never longer.")
    backoff: float = Field(default=4, ge=1, le=100, description="Factor from pause to pause.")


OWN_STORES_RETRY = Retry(
    maximum_attempts=30, initial_interval_s=1, maximum_interval_s=60, backoff=2
)
"""Our own stores may be away for 25 minutes."""


class Retries(Message):
    """How often each step of a supplier's harvest is tried."""

    fetch: Retry = Retry()
    transform: Retry = OWN_STORES_RETRY
    store: Retry = OWN_STORES_RETRY


class HarvestRun(Message):
    """Which harvest this is. `run_id` stays the same however often a part is tried again."""

    tenant_id: TenantId
    supplier_code: SupplierCode
    run_id: str
    workflow_id: str
    accept_removals: bool = False
    replay_run_id: str | None = None


class HarvestPlan(Message):
    """What the workflow has to know of a supplier."""

    retries: Retries
    heartbeat_timeout_s: float
    hosts: tuple[str, ...] = Field(
        default=(), description="Of each feed, with its scheme, to be shown."
    )


class SupplierList(Message):
    """Every supplier there is."""

    codes: tuple[SupplierCode, ...]
    parallel: int = Field(description="How many to harvest at once.")


class Feed(Message):
    """One fetched source: where its bytes are and how to read them."""

    source: str = Field(description="Its address without credentials, as people see it.")
    format: FeedFormat
    encoding: str
    delimiter: str | None = None
    sheet: str | None = None
    items: str | None = None
    raw: ObjectRef
    etag: str | None = None
    last_modified: str | None = None
    guesses: tuple[str, ...] = Field(default=(), description="How it is written, if unsure.")


class FetchedFeeds(Message):
    """Every source of a supplier, fetched; of a replay there is none."""

    run: HarvestRun
    feeds: tuple[Feed, ...] = ()
    not_modified: bool = Field(
        default=False, description="All of it is what the last harvest read, in the same way."
    )

    @property
    def size(self) -> int:
        """Bytes of all feeds."""
        return sum(feed.raw.size for feed in self.feeds)


class Changes(Message):
    """What the rows of a supplier's feeds come to, counted."""

    rows: int = 0
    inserted: int = 0
    updated: int = 0
    returned: int = Field(default=0, description="Of `updated`.")
    unchanged: int = 0
    removed: int = 0
    duplicates: int = 0
    filtered: int = 0
    rejected_by_reason: dict[str, int] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def rejected(self) -> int:
        """Rows that are no product."""
        return sum(self.rejected_by_reason.values())

    @property
    def to_store(self) -> int:
        """Products and rejects to write."""
        return self.inserted + self.updated + self.removed + self.rejected


class TransformedFeeds(Changes):
    """What there is to store: `manifest` names the objects."""

    run: HarvestRun
    manifest: ObjectRef


class HarvestStatus(StrEnum):
    """How a supplier's harvest ended."""

    COMPLETED = "completed"
    NOT_MODIFIED = "not_modified"
    """The feeds are what they were at the last harvest: nothing was read, nothing changed."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    ALREADY_RUNNING = "already_running"


class HarvestReport(Message):
    """The result of one harvest.

    `inserted + updated + unchanged + rejected + duplicates + filtered == rows`. Of a replay, rows
    are the rejects tried again.
    """

    run_id: str
    supplier_code: str
    status: HarvestStatus = Field(
        default=HarvestStatus.COMPLETED, description="`completed` or `not_modified`."
    )
    feeds: int
    rows: int = Field(description="Data rows read; blank ones and the header do not count.")
    inserted: int = Field(description="Products the Brain did not know.")
    updated: int = Field(description="Products whose content changed.")
    unchanged: int = Field(description="Products already stored exactly so.")
    rejected: int = Field(description="Rows that are no product; kept with their reason.")
    rejected_by_reason: dict[str, int]
    duplicates: int = Field(description="Rows replaced by a later row with the same sku.")
    filtered: int = Field(
        default=0, description="Rows the lists leave out, or that withdraw products."
    )
    removed: int = Field(default=0, description="Products that feeds lack or withdraw.")
    returned: int = Field(default=0, description="Of `updated`: had been removed before.")
    warnings: tuple[str, ...] = Field(default=(), description="What to look at, in sentences.")
    bytes: int = Field(description="Size of the feeds.")
    duration_s: float


class SupplierOutcome(Message):
    """How one supplier fared in a harvest of all."""

    supplier_code: str
    workflow_id: str
    status: HarvestStatus
    report: HarvestReport | None = None
    error: str | None = None


class HarvestAllReport(Message):
    """The result of a harvest of all suppliers."""

    supplier_code: str = ALL_SUPPLIERS
    completed: int
    not_modified: int = 0
    failed: int
    already_running: int
    suppliers: tuple[SupplierOutcome, ...]


class HarvestEnd(Message):
    """How a harvest ended, for the Brain's list of runs."""

    run: HarvestRun
    status: HarvestStatus
    report: HarvestReport | None = None
    error: str | None = None
    fetched: FetchedFeeds | None = Field(default=None, description="Where it came so far.")


class HarvestActivities(ABC):
    """Everything a harvest does in the world. Each may run twice: repeating one changes nothing."""

    @activity.defn(name="list_suppliers")
    @abstractmethod
    async def list_suppliers(self) -> SupplierList:
        """List the supplier files."""

    @activity.defn(name="start_harvest")
    @abstractmethod
    async def start_harvest(self, run: HarvestRun) -> HarvestPlan:
        """Record the run as running, then read the supplier's file."""

    @activity.defn(name="fetch_products")
    @abstractmethod
    async def fetch_products(self, run: HarvestRun) -> FetchedFeeds:
        """Copy each source of the supplier that has changed into the object store."""

    @activity.defn(name="transform_data")
    @abstractmethod
    async def transform_data(self, fetched: FetchedFeeds) -> TransformedFeeds:
        """Find out what the rows of the feeds change, and refuse what must not be stored."""

    @activity.defn(name="sync_to_brain")
    @abstractmethod
    async def sync_to_brain(self, transformed: TransformedFeeds) -> None:
        """Store what changed in the Brain; resumes at the batch a crashed attempt had reached."""

    @activity.defn(name="finish_harvest")
    @abstractmethod
    async def finish_harvest(self, end: HarvestEnd) -> None:
        """Record how the run ended, and remove what it leaves in the object store."""
