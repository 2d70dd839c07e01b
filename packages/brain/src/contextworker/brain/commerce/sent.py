"""What the ledger notes of each product that a service has: its id there, and what was sent last.

A product is in step with the service where what was sent last is what the ledger has. One that is
not (a crash came between the two, or the service is another one now) is told of as changed, so that
the next harvest sends it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    case,
    func,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.commerce.payloads import REMOVED
from contextworker.brain.sql.dialects import insert_into
from contextworker.brain.sql.schema import commerce_products, products

_ROW = commerce_products.c


@dataclass(frozen=True)
class Sent:
    """A product that the service has."""

    product_id: str
    service_id: str
    mark: str
    """The content hash of what was sent; of a removed product, `removed`."""


async def find(
    connection: AsyncConnection, tenant_id: str, product_ids: Sequence[str], *, service: str
) -> dict[str, Sent]:
    """Return what a service has of products, by our ids: some hundreds at most."""
    query = select(_ROW.product_id, _ROW.service_id, _ROW.mark).where(
        _ROW.tenant_id == tenant_id, _ROW.service == service, _ROW.product_id.in_(product_ids)
    )
    return {row.product_id: Sent(*row) for row in await connection.execute(query)}


async def note(
    connection: AsyncConnection, tenant_id: str, stored: Iterable[Sent], *, service: str
) -> None:
    """Note what a service has now."""
    statement = insert_into(commerce_products, connection.dialect.name)
    new = statement.excluded
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "product_id"],
            set_={name: new[name] for name in ("service", "service_id", "mark")},
        ),
        # In the order of the key: two writers that meet on the same rows queue up, never deadlock.
        [
            {"tenant_id": tenant_id, "service": service, **vars(item)}
            for item in sorted(stored, key=lambda item: item.product_id)
        ],
    )


async def is_in_step(
    connection: AsyncConnection, tenant_id: str, *, dealer_code: str, service: str
) -> bool:
    """Tell whether a service has all of a supplier's products as the ledger has them."""
    query = (
        select(products.c.product_id)
        .select_from(with_sent())
        .where(
            products.c.tenant_id == tenant_id,
            products.c.dealer_code == dealer_code,
            ~func.coalesce(in_step(service), literal(False)),  # noqa: FBT003 # SQL's own
        )
        .limit(1)
    )
    return (await connection.execute(query)).first() is None


def with_sent() -> FromClause:
    """Return products, each with what was sent of it, if anything was."""
    return products.outerjoin(
        commerce_products,
        and_(_ROW.tenant_id == products.c.tenant_id, _ROW.product_id == products.c.product_id),
    )


def in_step(service: str) -> ColumnElement[bool]:
    """Tell of a product of `with_sent` whether a service has it as it is; null stands for no."""
    expected = case((products.c.removed_at.is_not(None), REMOVED), else_=products.c.content_hash)
    return and_(_ROW.service == service, _ROW.mark == expected)
