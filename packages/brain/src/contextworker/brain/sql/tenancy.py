"""Row-level security: on PostgreSQL a transaction sees the rows of the tenant it is bound to.

The policies are made by the migrations. SQLite has none: there the statements alone keep tenants
apart, as they do on PostgreSQL too.
"""

import logging

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

logger = logging.getLogger(__name__)

SETTING = "contextworker.tenant"

OPERATORS = "*"
"""No tenant's id: a transaction that is bound to it reads what operators may, of all tenants."""

_BIND = text(f"SELECT set_config('{SETTING}', :tenant, true)")
_IS_EXEMPT = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")


async def bind(connection: AsyncConnection, tenant_id: str) -> None:
    """Bind the transaction to a tenant, until it ends."""
    if connection.dialect.name == "postgresql":
        await connection.execute(_BIND, {"tenant": tenant_id})


async def warn_if_exempt(connection: AsyncConnection, name: str) -> None:
    """Say so where the role is one that row-level security does not hold for."""
    if connection.dialect.name == "postgresql" and await connection.scalar(_IS_EXEMPT):
        logger.warning(
            "the Brain at %s is opened as a superuser (or with BYPASSRLS), whom PostgreSQL's "
            "row-level security does not hold for: tenants are kept apart by this package's "
            "statements alone. Open it as an ordinary role",
            name,
        )
