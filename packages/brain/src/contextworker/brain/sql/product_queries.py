"""Reading products."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Row, Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import EnrichmentStatus, Product
from contextworker.brain.sql.changes import LOOK_UP_BY_KEY
from contextworker.brain.sql.enrichment import doubts
from contextworker.brain.sql.product_rows import columns, looked_up
from contextworker.brain.sql.schema import products, suppliers
from contextworker.brain.sql.search import finds
from contextworker.brain.sql.supplier_queries import is_supplier_of
from contextworker.core.errors import InvalidInputError

# Well under every database's limit of variables in a statement.
_KEYS_PER_STATEMENT = 5000


async def by_ids(
    connection: AsyncConnection, tenant_id: str, product_ids: Sequence[str]
) -> list[Product]:
    """Return products in the order asked for."""
    found: dict[str, Product] = {}
    for ids in chunks([key for key in product_ids if is_id(key)]):
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
    task: str | None = None,
    search: str | None = None,
    include_removed: bool = False,
) -> list[Product]:
    """Return a page in the order of product_id."""
    if after is not None and not is_id(after):
        raise InvalidInputError(
            f"{after!r} is no place in a list of products: give the last product_id seen"
        )
    of: FromClause = products
    order: ColumnElement[str] = products.c.product_id
    query = _products(tenant_id)
    if enrichment_status is not None and connection.dialect.name == "postgresql":
        # In the order of the key, whatever PostgreSQL believes of how many there are.
        await connection.execute(LOOK_UP_BY_KEY)
    if task is not None and enrichment_status in doubts.NOTED:
        noted = doubts.noted(tenant_id, task, enrichment_status, after=after)
        joined, of, order = looked_up(connection, tenant_id, noted)
        query = select(*columns(of)).select_from(joined)
    elif enrichment_status is not None:
        query = query.where(stands(enrichment_status, task))
    if not include_removed:
        query = query.where(of.c.removed_at.is_(None))
    if after is not None:
        query = query.where(order > after)
    if dealer_code is not None:
        query = query.where(of.c.dealer_code == dealer_code)
    if search:
        query = query.where(await finds(connection, search, of))
    query = query.order_by(order).limit(limit)
    return _read(await connection.execute(query))


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
    joined = products.outerjoin(suppliers, is_supplier_of(products))
    return select(*columns(products)).select_from(joined).where(products.c.tenant_id == tenant_id)


def stands(status: EnrichmentStatus, task: str | None) -> ColumnElement[bool]:
    """Return the condition that a product, or its task, stands in a status."""
    if task is not None:
        found: ColumnElement[str] = products.c.enrichment[task]["status"].as_string()
        return found == status.value
    # As text: neither database finds out that a parameter would fit an index's condition.
    return products.c.enrichment_status == literal_column(f"'{status.value}'")


def is_id(text: str) -> bool:
    """Tell whether a text may be a product_id: PostgreSQL takes no other for one."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _read(rows: Iterable[Row[*tuple[object, ...]]]) -> list[Product]:
    return [Product.model_validate(row._asdict()) for row in rows]


def chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """Return keys, not more at once than a statement takes."""
    for start in range(0, len(keys), _KEYS_PER_STATEMENT):
        yield keys[start : start + _KEYS_PER_STATEMENT]
