"""Reading products, and writing what the gardener found out about them."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Enrichment, EnrichmentStatus, Product
from contextworker.brain.sql.schema import is_pending, products
from contextworker.brain.sql.search import finds
from contextworker.brain.sql.supplier_queries import last_seen_at, with_suppliers
from contextworker.core.errors import InvalidInputError

# Well under every database's limit of variables in a statement.
_KEYS_PER_STATEMENT = 5000
_COLUMNS = [
    last_seen_at() if name == "last_seen_at" else products.c[name] for name in Product.model_fields
]


async def by_ids(
    connection: AsyncConnection, tenant_id: str, product_ids: Sequence[str]
) -> list[Product]:
    """Return products in the order asked for."""
    found: dict[str, Product] = {}
    for ids in _chunks([key for key in product_ids if _is_id(key)]):
        query = _products(tenant_id).where(products.c.product_id.in_(ids))
        found |= {item.product_id: item for item in _read(await connection.execute(query))}
    return [found[key] for key in product_ids if key in found]


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    limit: int,
    after: str | None = None,
    dealer_code: str | None = None,
    enrichment_status: EnrichmentStatus | None = None,
    search: str | None = None,
    include_removed: bool = False,
) -> list[Product]:
    """Return a page in the order of product_id."""
    query = _products(tenant_id)
    if not include_removed:
        query = query.where(products.c.removed_at.is_(None))
    if after is not None:
        if not _is_id(after):
            raise InvalidInputError(
                f"{after!r} is no place in a list of products: give the last product_id seen"
            )
        query = query.where(products.c.product_id > after)
    if dealer_code is not None:
        query = query.where(products.c.dealer_code == dealer_code)
    if enrichment_status is not None:
        query = query.where(products.c.enrichment_status == enrichment_status.value)
    if search:
        query = query.where(await finds(connection, search))
    query = query.order_by(products.c.product_id).limit(limit)
    return _read(await connection.execute(query))


async def pending(
    connection: AsyncConnection, tenant_id: str, *, limit: int, dealer_code: str | None
) -> list[Product]:
    """Return products that wait for enrichment, as the index has them."""
    query = _products(tenant_id).where(is_pending())
    if dealer_code is not None:
        query = query.where(products.c.dealer_code == dealer_code)
    return _read(await connection.execute(query.limit(limit)))


async def store_enrichment(
    connection: AsyncConnection, tenant_id: str, enrichments: Sequence[Enrichment]
) -> int:
    """Write each enrichment whose product still has the content it was computed from."""
    last = {item.product_id: item for item in enrichments if _is_id(item.product_id)}
    current: dict[str, str] = {}
    for ids in _chunks(sorted(last)):
        query = (
            select(products.c.product_id, products.c.content_hash)
            .where(products.c.tenant_id == tenant_id, products.c.product_id.in_(ids))
            .order_by(products.c.product_id)
            # Nobody changes the content between this look and the write; in the order of the key,
            # as upserts lock, so the two never deadlock. (SQLite holds its write lock already.)
            .with_for_update()
        )
        current |= {row.product_id: row.content_hash for row in await connection.execute(query)}
    applied = [item for key, item in last.items() if current.get(key) == item.content_hash]
    if applied:
        await connection.execute(
            update(products)
            .where(
                products.c.tenant_id == tenant_id, products.c.product_id == bindparam("target_id")
            )
            .values(enrichment=bindparam("results"), enrichment_status=bindparam("outcome")),
            [
                {
                    "target_id": item.product_id,
                    "results": item.results,
                    "outcome": item.status.value,
                }
                for item in applied
            ],
        )
    return len(applied)


async def count(connection: AsyncConnection, tenant_id: str) -> dict[EnrichmentStatus, int]:
    """Count the products that are not removed by enrichment status."""
    query = (
        select(products.c.enrichment_status, func.count())
        .where(products.c.tenant_id == tenant_id, products.c.removed_at.is_(None))
        .group_by(products.c.enrichment_status)
    )
    found: dict[str, int] = dict((await connection.execute(query)).all())
    return {status: found.get(status.value, 0) for status in EnrichmentStatus}


async def brand_names(connection: AsyncConnection, tenant_id: str, *, limit: int) -> list[str]:
    """Return brands, the most frequent first."""
    brand = products.c.brand_name
    query = (
        select(brand)
        .where(products.c.tenant_id == tenant_id, brand.is_not(None), brand != "")
        .group_by(brand)
        .order_by(func.count().desc(), brand)
        .limit(limit)
    )
    return list((await connection.scalars(query)).all())


def _products(tenant_id: str) -> Select[*tuple[object, ...]]:
    return select(*_COLUMNS).select_from(with_suppliers()).where(products.c.tenant_id == tenant_id)


def _is_id(text: str) -> bool:
    """Tell whether a text may be a product_id: PostgreSQL takes no other for one."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _read(rows: Iterable[Row[*tuple[object, ...]]]) -> list[Product]:
    return [Product.model_validate(row._asdict()) for row in rows]


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_PER_STATEMENT):
        yield keys[start : start + _KEYS_PER_STATEMENT]
