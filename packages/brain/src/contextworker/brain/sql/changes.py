"""Which stored products an incoming batch changes, found so that no statistics can mislead.

PostgreSQL knows next to nothing of a table made a moment ago, and may know as little of the
products just after a large harvest: left to choose, it goes through all of them for every row of a
batch.
"""

from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    exists,
    literal_column,
    or_,
    select,
    text,
    true,
)

from contextworker.brain.sql.incoming import incoming
from contextworker.brain.sql.schema import products

_OTHER_WAYS = ("seqscan", "bitmapscan", "hashjoin", "mergejoin")
LOOK_UP_BY_KEY = text(
    "SELECT " + ", ".join(f"set_config('enable_{way}', 'off', true)" for way in _OTHER_WAYS)
)
"""Tells PostgreSQL, until the transaction ends, that products are found by their key."""

PLACE = "place"
"""Where PostgreSQL keeps the row; it stays while the row is locked."""


@dataclass(frozen=True)
class Changes:
    """The batch, joined to those stored products that it changes or lists again."""

    stored: FromClause
    """The products, with their columns."""
    joined: FromClause
    """`incoming` and `stored`, side by side."""


def changes(dialect: str, tenant_id: str) -> Changes:
    """Return what a batch changes of a tenant's products."""
    if dialect == "sqlite":
        return Changes(products, incoming.join(products, is_changed(dialect, tenant_id)))
    stored = _looked_up(tenant_id)
    return Changes(stored, incoming.join(stored, true()))


def _looked_up(tenant_id: str) -> FromClause:
    # With an OFFSET it is no join that could be turned around: each row of the batch, in the order
    # of the key, looks its product up and locks it.
    return (
        select(products, literal_column("products.ctid").label(PLACE))
        .where(is_changed("postgresql", tenant_id))
        .offset(0)
        .with_for_update()
        .correlate(incoming)
        .lateral("stored")
    )


def is_changed(dialect: str, tenant_id: str) -> ColumnElement[bool]:
    """Return the condition of the products that the batch changes, or lists again.

    SQLite would begin with all products of a tenant that it is told, so it has to find the tenant
    in each row of the batch.
    """
    tenant = incoming.c.tenant_id if dialect == "sqlite" else tenant_id
    return (
        (products.c.tenant_id == tenant)
        & (products.c.product_id == incoming.c.product_id)
        & or_(
            products.c.content_hash != incoming.c.content_hash,
            products.c.removed_at.is_not(None),
        )
    )


def is_known(tenant_id: str) -> ColumnElement[bool]:
    """Return the condition of the incoming rows whose product is stored; each one looks it up."""
    found: Select[tuple[int]] = (
        select(literal_column("1"))
        .select_from(products)
        .where(products.c.tenant_id == tenant_id, products.c.product_id == incoming.c.product_id)
        .offset(0)
        .correlate(incoming)
    )
    return exists(found)
