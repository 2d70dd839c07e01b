"""The tables, as the code sees them; `migrations` makes them, and a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.sql.elements import TextClause

from contextworker.brain.models import EnrichmentStatus
from contextworker.brain.sql.columns import (
    ExactDecimal,
    Json,
    Key,
    NullableJson,
    ProductId,
    UtcDateTime,
)

metadata = MetaData()


def stands_as(status: EnrichmentStatus) -> TextClause:
    """Return the condition of listed products of a status, as the partial indexes have it.

    As text, for neither database finds out that a parameter would fit an index's condition.
    """
    return text(f"products.{_status_is(status)} AND products.removed_at IS NULL")


def _status_is(status: EnrichmentStatus) -> str:
    return f"enrichment_status = '{EnrichmentStatus(status).value}'"


def _listed_as(status: EnrichmentStatus) -> TextClause:
    return text(f"{_status_is(status)} AND removed_at IS NULL")


_PENDING, _WAITING = map(_listed_as, (EnrichmentStatus.PENDING, EnrichmentStatus.WAITING))
_IN_DOUBT = text("enrichment_status IN ('review', 'error')")


# The product_id is a function of (tenant, dealer_code, sku), so the primary key is that key's
# uniqueness.
products = Table(
    "products",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("product_id", ProductId, primary_key=True),
    Column("dealer_code", Key, nullable=False),
    Column("sku", Text, nullable=False),
    Column("dealer_name", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("category", Text),
    Column("brand_name", Text),
    Column("description", Text),
    Column("quantity", BigInteger),
    Column("price_retail", ExactDecimal),
    Column("currency", Text),
    Column("availability", Text),
    Column("params", Json, nullable=False),
    Column("url", Text),
    Column("image_url", Text),
    Column("status", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("enrichment", Json, nullable=False, server_default="{}"),
    Column("enrichment_status", Key, nullable=False, server_default="pending"),
    Column("first_seen_at", UtcDateTime, nullable=False),
    # By a call that named the product: what a whole feed has is noted in `suppliers`.
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
    # A key that few rows differ in costs next to nothing to keep, unlike one with the product_id.
    # The tenant comes second, so that nothing takes it for a way to find one product of a tenant.
    Index("ix_products_dealer", "dealer_code", "tenant_id"),
    Index(
        "ix_products_pending",
        "tenant_id",
        "dealer_code",
        postgresql_where=_PENDING,
        sqlite_where=_PENDING,
    ),
    Index(
        "ix_products_waiting",
        "tenant_id",
        "dealer_code",
        postgresql_where=_WAITING,
        sqlite_where=_WAITING,
    ),
    # The queue of what people look at, page by page.
    Index(
        "ix_products_in_doubt",
        "tenant_id",
        "enrichment_status",
        "product_id",
        postgresql_where=_IN_DOUBT,
        sqlite_where=_IN_DOUBT,
    ),
)

product_history = Table(
    "product_history",
    metadata,
    Column(
        "entry_id",
        # SQLite numbers rows by itself only where the key is an INTEGER.
        BigInteger().with_variant(Integer(), "sqlite"),
        Identity(always=True),
        primary_key=True,
    ),
    Column("tenant_id", Key, nullable=False),
    Column("product_id", ProductId, nullable=False),
    Column("dealer_code", Key, nullable=False),
    Column("sku", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("old", Text),
    Column("new", Text),
    Column("run_id", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("ix_product_history_sku", "tenant_id", "sku", "entry_id"),
)

suppliers = Table(
    "suppliers",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("dealer_code", Key, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("config_digest", Text, nullable=False),
    Column("is_whole", Boolean, nullable=False),
    Column("feeds", Json, nullable=False),
    # When a whole feed last had every product that is not removed.
    Column("whole_seen_at", UtcDateTime),
)

rejects = Table(
    "rejects",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("run_id", Key, primary_key=True),
    Column("source", Key, primary_key=True),
    Column("row_number", BigInteger, primary_key=True, autoincrement=False),
    Column("reason_code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Json, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("resolved_run_id", Text),
)

runs = Table(
    "runs",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("run_id", Key, primary_key=True),
    Column("workflow_id", Text, nullable=False),
    Column("supplier_code", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("inserted", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False, server_default="0"),
    Column("rejected", BigInteger, nullable=False),
    Column("error", Text),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index("ix_runs_started", "tenant_id", "started_at", "run_id"),
)

# Only where the Brain is behind a CommerceService: its id of a product, and what was sent last.
commerce_products = Table(
    "commerce_products",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("product_id", ProductId, primary_key=True),
    Column("service", Text, nullable=False),
    Column("service_id", Text, nullable=False),
    # The content hash of what was sent; of a removed product, `removed`.
    Column("mark", Text, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("claim_id", Key, primary_key=True),
    # Of the products when they were claimed: one that stands otherwise since takes no result.
    Column("status", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    # The ids of the products that took a result; null until it is settled.
    Column("settled", NullableJson),
    Index("ix_claims_expiry", "tenant_id", "expires_at"),
)

# Who has which product. Apart from the products, whose rows are wide and written as a whole.
claimed_products = Table(
    "claimed_products",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("product_id", ProductId, primary_key=True),
    Column("claim_id", Key, nullable=False),
    Index("ix_claimed_products_claim", "claim_id", "tenant_id"),
)

# Tasks of products that are not done, out of their enrichment: the queues of single tasks.
task_doubts = Table(
    "task_doubts",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("product_id", ProductId, primary_key=True),
    Column("task", Key, primary_key=True),
    Column("status", Key, nullable=False),
    Index("ix_task_doubts_queue", "task", "status", "tenant_id", "product_id"),
)

edges = Table(
    "edges",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("product_id", ProductId, primary_key=True),
    Column("relation", Key, primary_key=True),
    Column("target", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("confidence", Float(53), nullable=False),
    # Few targets have most of the edges: so short a key is kept small by its repetition. The tenant
    # comes second, here and above, as in `ix_products_dealer`.
    Index("ix_edges_target", "target", "tenant_id"),
)

examples = Table(
    "examples",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("example_id", Key, primary_key=True),
    Column("task", Key, nullable=False),
    Column("product_id", Text),
    Column("text", Json, nullable=False),
    Column("label", Json, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Index("ix_examples_task", "tenant_id", "task", "example_id"),
)

models = Table(
    "models",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("task", Key, primary_key=True),
    Column("version", Key, primary_key=True),
    Column("object_key", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("examples", BigInteger, nullable=False),
    Column("scores", Json, nullable=False),
    Column("trained_by", Text, nullable=False),
    Column("trained_at", UtcDateTime, nullable=False),
    # The one recorded last is its task's current one.
    Column("recorded_at", UtcDateTime, nullable=False),
)
