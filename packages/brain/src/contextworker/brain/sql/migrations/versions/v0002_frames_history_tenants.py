"""Slim products for merging whole batches, follow their history, and keep tenants apart by rows."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = ("products", "product_history", "suppliers", "rejects", "runs")
# What 0001 counted repeated calls with, and folded for search.
_GONE = ("search_text", "inserted_run_id", "updated_run_id", "seen_run_id", "counted_call")
_PENDING = "enrichment_status = 'pending' AND removed_at IS NULL"


def upgrade() -> None:
    """Change the tables; what is in them stays."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    key = sa.String() if sqlite else sa.String(collation="C")
    product_id = sa.String() if sqlite else sa.Uuid()
    instant = sa.DateTime(timezone=True)

    op.drop_index("ix_products_dealer", "products")
    op.drop_index("ix_products_enrichment", "products")
    for name in _GONE:
        op.drop_column("products", name)
    op.add_column("products", sa.Column("availability", sa.Text))
    op.add_column("products", sa.Column("removed_at", instant))
    _make_amounts_plain(sqlite=sqlite)
    if not sqlite:
        op.alter_column(
            "products", "product_id", type_=product_id, postgresql_using="product_id::uuid"
        )
    op.create_index("ix_products_dealer", "products", ["dealer_code", "tenant_id"])
    op.create_index(
        "ix_products_pending",
        "products",
        ["tenant_id", "dealer_code"],
        postgresql_where=sa.text(_PENDING),
        sqlite_where=sa.text(_PENDING),
    )
    op.add_column("rejects", sa.Column("resolved_run_id", sa.Text))
    op.add_column("runs", sa.Column("removed", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "product_history",
        sa.Column(
            "entry_id",
            sa.Integer if sqlite else sa.BigInteger,
            sa.Identity(always=True),
            primary_key=True,
        ),
        sa.Column("tenant_id", key, nullable=False),
        sa.Column("product_id", product_id, nullable=False),
        sa.Column("dealer_code", key, nullable=False),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("old", sa.Text),
        sa.Column("new", sa.Text),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
    )
    op.create_index("ix_product_history_sku", "product_history", ["tenant_id", "sku", "entry_id"])
    op.create_table(
        "suppliers",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("dealer_code", key, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("config_digest", sa.Text, nullable=False),
        sa.Column("is_whole", sa.Boolean, nullable=False),
        sa.Column("feeds", sa.JSON, nullable=False),
        sa.Column("whole_seen_at", instant),
    )
    _only_ever_add_to_history(sqlite=sqlite)
    if not sqlite:
        _bind_rows_to_tenants()


def downgrade() -> None:
    """Refuse: the history and who was removed would be lost, and nothing needs the old form."""
    raise NotImplementedError("revision 0002 cannot be undone; restore a backup instead")


def _make_amounts_plain(*, sqlite: bool) -> None:
    """Write amounts in the one form that the history compares and shows."""
    if sqlite:
        op.execute(
            "UPDATE products SET price_retail = rtrim(rtrim(price_retail, '0'), '.') "
            "WHERE price_retail LIKE '%.%'"
        )
    else:
        op.execute("UPDATE products SET price_retail = trim_scale(price_retail)")


def _only_ever_add_to_history(*, sqlite: bool) -> None:
    refusal = "the history of products is only ever added to"
    if sqlite:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER product_history_no_{verb.lower()} BEFORE {verb} "
                f"ON product_history BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION product_history_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER product_history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON product_history FOR EACH STATEMENT EXECUTE FUNCTION product_history_refuse()"
    )


def _bind_rows_to_tenants() -> None:
    # A subquery is answered once a statement; the bare function would be called for every row.
    tenant = "(SELECT nullif(current_setting('contextworker.tenant', true), ''))"
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_tenant ON {table} USING (tenant_id = {tenant})")
