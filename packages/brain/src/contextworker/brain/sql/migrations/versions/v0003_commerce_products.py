"""Note what a CommerceService has of each product, where the Brain is behind one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "commerce_products",
        sa.Column(
            "tenant_id", sa.String() if sqlite else sa.String(collation="C"), primary_key=True
        ),
        sa.Column("product_id", sa.String() if sqlite else sa.Uuid(), primary_key=True),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("service_id", sa.Text, nullable=False),
        sa.Column("mark", sa.Text, nullable=False),
    )
    if not sqlite:
        tenant = "(SELECT nullif(current_setting('contextworker.tenant', true), ''))"
        op.execute("ALTER TABLE commerce_products ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE commerce_products FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_tenant ON commerce_products USING (tenant_id = {tenant})")


def downgrade() -> None:
    """Remove the table: what it noted is sent again."""
    op.drop_table("commerce_products")
