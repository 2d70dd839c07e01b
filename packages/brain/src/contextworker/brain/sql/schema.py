"""The tables, as the code sees them; `migrations` makes them, and a test compares the two."""

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from contextworker.brain.sql.columns import ExactDecimal, Json, Key, UtcDateTime

metadata = MetaData()

# The product_id is a function of (tenant, dealer_code, sku), so the primary key is that key's
# uniqueness. A second unique index would let concurrent upserts fail on it: ON CONFLICT watches
# only one.
products = Table(
    "products",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("product_id", Key, primary_key=True),
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
    Column("params", Json, nullable=False),
    Column("url", Text),
    Column("image_url", Text),
    Column("status", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    # SKU, name and brand folded for search: SQLite cannot fold case outside ASCII.
    Column("search_text", Text, nullable=False),
    Column("enrichment", Json, nullable=False, server_default="{}"),
    Column("enrichment_status", Key, nullable=False, server_default="pending"),
    # What lets a repeated call count the same again: which run inserted the product, last changed
    # it, last had it, and the call of that run which counts it.
    Column("inserted_run_id", Text, nullable=False),
    Column("updated_run_id", Text),
    Column("seen_run_id", Text, nullable=False),
    Column("counted_call", Text, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_products_dealer", "tenant_id", "dealer_code", "product_id"),
    Index("ix_products_enrichment", "tenant_id", "enrichment_status", "product_id"),
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
    Column("rejected", BigInteger, nullable=False),
    Column("error", Text),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index("ix_runs_started", "tenant_id", "started_at", "run_id"),
)
