"""Taking products so that no two workers have the same one.

Who has a product is one row of `claimed_products`, and who changes that row decides: a claim takes
a product by inserting it, or by taking it over from a claim whose lease ended; it is settled by
deleting its rows. Both lock the products before those rows, so they never wait in a circle.
"""

from datetime import timedelta

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Select,
    delete,
    literal,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Claim, EnrichmentStatus
from contextworker.brain.sql.changes import LOOK_UP_BY_KEY
from contextworker.brain.sql.dialects import insert_into
from contextworker.brain.sql.enrichment.clock import moment
from contextworker.brain.sql.product_rows import claimed
from contextworker.brain.sql.schema import claimed_products, claims, products, stands_as
from contextworker.core.errors import InvalidInputError

_LONGEST = timedelta(days=1)
_KEPT = timedelta(days=2)
"""How long after its lease a claim is remembered: a day at least was promised once settled."""
_FORGOTTEN_AT_ONCE = 20
_ATTEMPTS = 3
_ONE: ColumnClause[int] = literal_column("1")


async def claim(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    claim_id: str,
    limit: int,
    lease: timedelta,
    status: EnrichmentStatus,
    dealer_code: str | None,
) -> Claim:
    """Take products, or say what a claim holds or was settled with."""
    if limit < 1:
        raise InvalidInputError(f"a claim takes at least 1 product, not {limit}")
    _check(lease)
    if connection.dialect.name == "postgresql":
        await connection.execute(LOOK_UP_BY_KEY)
    wanted = _standing(tenant_id, status, dealer_code)
    if await _begin(connection, tenant_id, claim_id, status, lease):
        await _take(connection, tenant_id, claim_id, wanted, limit)
        await _forget_old(connection, tenant_id)
    else:
        settled = await settled_with(connection, tenant_id, claim_id)
        if settled is not None:
            return Claim(claim_id=claim_id, settled=settled)
        await renew(connection, tenant_id, claim_id=claim_id, lease=lease)
    found = await claimed(connection, tenant_id, held_ids(tenant_id, claim_id), status)
    elsewhere = len(found) < limit and await _are_elsewhere(connection, tenant_id, claim_id, wanted)
    # The products are as they were stored: to check each of them again would take longer than all
    # the rest.
    return Claim.model_construct(
        claim_id=claim_id, products=tuple(found), settled=None, held_elsewhere=elsewhere
    )


async def renew(
    connection: AsyncConnection, tenant_id: str, *, claim_id: str, lease: timedelta
) -> bool:
    """Begin a lease anew; False where the claim holds nothing."""
    _check(lease)
    renewed = await connection.execute(
        update(claims)
        .where(is_claim(tenant_id, claim_id), claims.c.settled.is_(None))
        .values(expires_at=moment(connection, lease))
    )
    if not renewed.rowcount:
        return False
    one = select(_ONE).where(is_held_by(tenant_id, claim_id)).limit(1)
    return (await connection.execute(one)).first() is not None


async def settled_with(
    connection: AsyncConnection, tenant_id: str, claim_id: str
) -> tuple[str, ...] | None:
    """Return the products that took a result of a claim; None where it is not settled.

    Nobody else settles or renews the claim from here on, until the transaction ends.
    """
    query = select(claims.c.settled).where(is_claim(tenant_id, claim_id)).with_for_update()
    found: list[str] | None = await connection.scalar(query)
    return None if found is None else tuple(found)


async def held(connection: AsyncConnection, tenant_id: str, *, claim_id: str) -> frozenset[str]:
    """Return the ids of the products that a claim holds."""
    found = await connection.execute(held_ids(tenant_id, claim_id))
    return frozenset(row.product_id for row in found)


def held_ids(tenant_id: str, claim_id: str) -> Select[tuple[str]]:
    """Return the query of the ids of a claim's products, in the order of the key."""
    ids = select(claimed_products.c.product_id).where(is_held_by(tenant_id, claim_id))
    return ids.order_by(claimed_products.c.product_id)


def is_claim(tenant_id: str, claim_id: str) -> ColumnElement[bool]:
    """Return the condition of a claim's own row."""
    return (claims.c.tenant_id == tenant_id) & (claims.c.claim_id == claim_id)


def is_held_by(tenant_id: str, claim_id: str) -> ColumnElement[bool]:
    """Return the condition of the rows of a claim's products."""
    return (claimed_products.c.tenant_id == tenant_id) & (claimed_products.c.claim_id == claim_id)


def _check(lease: timedelta) -> None:
    if not timedelta() < lease <= _LONGEST:
        raise InvalidInputError(
            f"a lease lasts longer than no time and at most {_LONGEST.days} day, "
            f"not {lease.total_seconds():g} seconds"
        )


async def _begin(
    connection: AsyncConnection,
    tenant_id: str,
    claim_id: str,
    status: EnrichmentStatus,
    lease: timedelta,
) -> bool:
    """Note a claim, unless it is known; where another call makes it now, that one goes first."""
    row = {
        "tenant_id": literal(tenant_id),
        "claim_id": literal(claim_id),
        "status": literal(status.value),
        "expires_at": moment(connection, lease),
    }
    begun = insert_into(claims, connection.dialect.name).values(row).on_conflict_do_nothing()
    # SQLAlchemy forgets how many rows an INSERT made unless it is told to remember.
    counting = begun.execution_options(preserve_rowcount=True)
    return (await connection.execute(counting)).rowcount == 1


def _standing(
    tenant_id: str, status: EnrichmentStatus, dealer_code: str | None
) -> Select[tuple[str]]:
    query = select(products.c.product_id).where(
        products.c.tenant_id == tenant_id, stands_as(status)
    )
    return query if dealer_code is None else query.where(products.c.dealer_code == dealer_code)


async def _take(
    connection: AsyncConnection,
    tenant_id: str,
    claim_id: str,
    wanted: Select[tuple[str]],
    limit: int,
) -> None:
    """Take products that no claim holds, passing over those that another call is about to take."""
    now = moment(connection)
    # One look-up after the other for each product: joined, the two tables would be gone through,
    # for rows that live so shortly are never what the database's statistics say.
    holder = (
        select(claimed_products.c.claim_id)
        .where(
            claimed_products.c.tenant_id == tenant_id,
            claimed_products.c.product_id == products.c.product_id,
        )
        .correlate(products)
        .scalar_subquery()
    )
    is_held = (
        select(_ONE)
        .where(
            claims.c.tenant_id == tenant_id,
            claims.c.claim_id == holder,
            claims.c.expires_at > now,
        )
        .offset(0)
        .correlate(products)
        .exists()
    )
    free = wanted.where(~is_held).limit(limit)
    chosen = free.with_for_update(of=products, skip_locked=True).subquery("chosen")
    rows = select(literal(tenant_id), chosen.c.product_id, literal(claim_id)).where(true())
    taken = (
        insert_into(claimed_products, connection.dialect.name)
        .from_select(["tenant_id", "product_id", "claim_id"], rows)
        .execution_options(preserve_rowcount=True)
    )
    # A claim that was made since this statement began is not seen here: it keeps what it took.
    lease_ended = (
        select(_ONE)
        .where(
            claims.c.tenant_id == tenant_id,
            # Of the row in the way: as a column it would be of another look at the table.
            claims.c.claim_id == literal_column("claimed_products.claim_id"),
            claims.c.expires_at <= now,
        )
        .exists()
    )
    taken = taken.on_conflict_do_update(
        index_elements=["tenant_id", "product_id"],
        set_={"claim_id": taken.excluded.claim_id},
        where=lease_ended,
    )
    for _ in range(_ATTEMPTS):
        if (await connection.execute(taken)).rowcount:
            return
        # All that seemed free was taken by others meanwhile: there may be more.
        if (await connection.execute(free.limit(1))).first() is None:
            return


async def _are_elsewhere(
    connection: AsyncConnection, tenant_id: str, claim_id: str, wanted: Select[tuple[str]]
) -> bool:
    is_its_own = (
        select(_ONE)
        .where(
            is_held_by(tenant_id, claim_id),
            claimed_products.c.product_id == products.c.product_id,
        )
        .offset(0)
        .exists()
    )
    return (await connection.execute(wanted.where(~is_its_own).limit(1))).first() is not None


async def _forget_old(connection: AsyncConnection, tenant_id: str) -> None:
    """Forget some claims whose lease ended long ago, with what nobody has taken from them."""
    old = (
        select(claims.c.claim_id)
        .where(claims.c.tenant_id == tenant_id, claims.c.expires_at < moment(connection, -_KEPT))
        .order_by(claims.c.expires_at)
        .limit(_FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ids = list((await connection.scalars(old)).all())
    if ids:
        for table in (claimed_products, claims):
            await connection.execute(
                delete(table).where(table.c.tenant_id == tenant_id, table.c.claim_id.in_(ids))
            )
