"""Make the tables of products, rejects and runs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    key = sa.String() if sqlite else sa.String(collation="C")
    money = sa.Text() if sqlite else sa.Numeric()
    instant = sa.DateTime(timezone=True)

    op.create_table(
        "products",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("product_id", key, primary_key=True),
        sa.Column("dealer_code", key, nullable=False),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("dealer_name", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("category", sa.Text),
        sa.Column("brand_name", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("quantity", sa.BigInteger),
        sa.Column("price_retail", money),
        sa.Column("currency", sa.Text),
        sa.Column("params", sa.JSON, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("image_url", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("enrichment", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("enrichment_status", key, nullable=False, server_default="pending"),
        sa.Column("inserted_run_id", sa.Text, nullable=False),
        sa.Column("updated_run_id", sa.Text),
        sa.Column("seen_run_id", sa.Text, nullable=False),
        sa.Column("counted_call", sa.Text, nullable=False),
        sa.Column("first_seen_at", instant, nullable=False),
        sa.Column("last_seen_at", instant, nullable=False),
        sa.Column("updated_at", instant, nullable=False),
    )
    op.create_index("ix_products_dealer", "products", ["tenant_id", "dealer_code", "product_id"])
    op.create_index(
        "ix_products_enrichment", "products", ["tenant_id", "enrichment_status", "product_id"]
    )
    op.create_table(
        "rejects",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("run_id", key, primary_key=True),
        sa.Column("source", key, primary_key=True),
        sa.Column("row_number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("reason_code", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("raw", sa.JSON, nullable=False),
        sa.Column("recorded_at", instant, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("run_id", key, primary_key=True),
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("supplier_code", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("inserted", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("unchanged", sa.BigInteger, nullable=False),
        sa.Column("rejected", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("started_at", instant, nullable=False),
        sa.Column("finished_at", instant),
    )
    op.create_index("ix_runs_started", "runs", ["tenant_id", "started_at", "run_id"])


def downgrade() -> None:
    """Remove the tables, and what is in them."""
    for table in ("runs", "rejects", "products"):
        op.drop_table(table)
