"""Let workers claim products, and keep what is found out, decided and learned of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = ("claims", "claimed_products", "task_doubts", "edges", "examples", "models")
_WAITING = "enrichment_status = 'waiting' AND removed_at IS NULL"
_IN_DOUBT = "enrichment_status IN ('review', 'error')"


def upgrade() -> None:
    """Make the tables, and fill those that follow from what products have."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    key = sa.String() if sqlite else sa.String(collation="C")
    product_id = sa.String() if sqlite else sa.Uuid()
    instant = sa.DateTime(timezone=True)

    op.create_index(
        "ix_products_waiting",
        "products",
        ["tenant_id", "dealer_code"],
        postgresql_where=sa.text(_WAITING),
        sqlite_where=sa.text(_WAITING),
    )
    op.create_index(
        "ix_products_in_doubt",
        "products",
        ["tenant_id", "enrichment_status", "product_id"],
        postgresql_where=sa.text(_IN_DOUBT),
        sqlite_where=sa.text(_IN_DOUBT),
    )
    op.create_table(
        "claims",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("claim_id", key, primary_key=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("settled", sa.JSON),
    )
    op.create_index("ix_claims_expiry", "claims", ["tenant_id", "expires_at"])
    op.create_table(
        "claimed_products",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("product_id", product_id, primary_key=True),
        sa.Column("claim_id", key, nullable=False),
    )
    op.create_index("ix_claimed_products_claim", "claimed_products", ["claim_id", "tenant_id"])
    op.create_table(
        "task_doubts",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("product_id", product_id, primary_key=True),
        sa.Column("task", key, primary_key=True),
        sa.Column("status", key, nullable=False),
    )
    op.create_index(
        "ix_task_doubts_queue", "task_doubts", ["task", "status", "tenant_id", "product_id"]
    )
    op.create_table(
        "edges",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("product_id", product_id, primary_key=True),
        sa.Column("relation", key, primary_key=True),
        sa.Column("target", key, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float(53), nullable=False),
    )
    op.create_index("ix_edges_target", "edges", ["target", "tenant_id"])
    op.create_table(
        "examples",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("example_id", key, primary_key=True),
        sa.Column("task", key, nullable=False),
        sa.Column("product_id", sa.Text),
        sa.Column("text", sa.JSON, nullable=False),
        sa.Column("label", sa.JSON, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", instant, nullable=False),
    )
    op.create_index("ix_examples_task", "examples", ["tenant_id", "task", "example_id"])
    op.create_table(
        "models",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("task", key, primary_key=True),
        sa.Column("version", key, primary_key=True),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("examples", sa.BigInteger, nullable=False),
        sa.Column("scores", sa.JSON, nullable=False),
        sa.Column("trained_by", sa.Text, nullable=False),
        sa.Column("trained_at", instant, nullable=False),
        sa.Column("recorded_at", instant, nullable=False),
    )
    _find_doubts(sqlite=sqlite)
    if not sqlite:
        _bind_rows_to_tenants()


def downgrade() -> None:
    """Refuse: what people decided would be lost."""
    raise NotImplementedError("revision 0004 cannot be undone; restore a backup instead")


def _find_doubts(*, sqlite: bool) -> None:
    """Note the tasks that stand in doubt in what the gardener has found out so far."""
    if sqlite:
        kind, found = "task.type", "json_extract(task.value, '$.status')"
    else:
        kind, found = "json_typeof(task.value)", "task.value ->> 'status'"
    status = f"CASE WHEN {kind} = 'object' THEN {found} END"
    if not sqlite:
        # A migration is no tenant, and would see no row.
        op.execute("ALTER TABLE products NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO task_doubts (tenant_id, product_id, task, status) SELECT * FROM ("  # noqa: S608 # constants  # nosec B608 # constants
        f"SELECT tenant_id, product_id, task.key, {status} AS status "
        "FROM products, json_each(products.enrichment) AS task"
        ") AS found WHERE status IN ('pending', 'review', 'error')"
    )
    if not sqlite:
        op.execute("ALTER TABLE products FORCE ROW LEVEL SECURITY")


def _bind_rows_to_tenants() -> None:
    tenant = "(SELECT nullif(current_setting('contextworker.tenant', true), ''))"
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_tenant ON {table} USING (tenant_id = {tenant})")
