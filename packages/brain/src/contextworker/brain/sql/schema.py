"""The tables, as the code sees them; `migrations` makes them, and a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.sql.elements import TextClause

from contextworker.brain.sql.columns import ExactDecimal, Json, Key, ProductId, UtcDateTime

metadata = MetaData()


def is_pending() -> TextClause:
    """Return the condition of the products that wait for enrichment, as their index has it."""
    return text("enrichment_status = 'pending' AND removed_at IS NULL")


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
        postgresql_where=is_pending(),
        sqlite_where=is_pending(),
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
