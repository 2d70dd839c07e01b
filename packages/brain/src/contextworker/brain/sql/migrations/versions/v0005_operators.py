"""Let a transaction of operators read when which supplier was harvested, whosever it is."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = ("suppliers", "runs")


def upgrade() -> None:
    """Make the policies."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in _TABLES:
        op.execute(
            f"CREATE POLICY of_operators ON {table} FOR SELECT "
            "USING ((SELECT current_setting('contextworker.tenant', true)) = '*')"
        )


def downgrade() -> None:
    """Remove the policies: operators read nothing then."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in _TABLES:
        op.execute(f"DROP POLICY of_operators ON {table}")
