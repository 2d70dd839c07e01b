"""The history of products: what changed, and the run that saw it. It is only ever added to."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    cast,
    insert,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import HistoryEntry, HistoryField
from contextworker.brain.sql.changes import Changes
from contextworker.brain.sql.columns import UtcDateTime
from contextworker.brain.sql.incoming import incoming
from contextworker.brain.sql.schema import product_history, products

_COLUMNS = [product_history.c[name] for name in HistoryEntry.model_fields]
_FOLLOWED = tuple(name.value for name in HistoryField if name is not HistoryField.LISTED)
_OF_PRODUCT = ("tenant_id", "product_id", "dealer_code", "sku")
_WRITTEN = (*_OF_PRODUCT, "field", "old", "new", "run_id", "changed_at")
_YES, _NO = literal("true", Text()), literal("false", Text())


async def note_changes(
    connection: AsyncConnection, changes: Changes, *, run_id: str, now: datetime
) -> None:
    """Note what the incoming batch changes.

    The products are locked from here on, so that what is noted is what the update then changes.
    """
    stored = changes.stored
    changed = (
        select(
            *(stored.c[name] for name in _OF_PRODUCT),
            stored.c.removed_at,
            *(stored.c[name].label(f"old_{name}") for name in _FOLLOWED),
            *(incoming.c[name].label(f"new_{name}") for name in _FOLLOWED),
        )
        .select_from(changes.joined)
        .cte("changed")
        .prefix_with("MATERIALIZED")
    )
    fields = [
        _entries(
            changed,
            name,
            old=cast(changed.c[f"old_{name}"], Text),
            new=cast(changed.c[f"new_{name}"], Text),
            run_id=run_id,
            now=now,
        ).where(changed.c[f"old_{name}"].is_distinct_from(changed.c[f"new_{name}"]))
        for name in _FOLLOWED
    ]
    listed = _entries(
        changed, HistoryField.LISTED, old=_NO, new=_YES, run_id=run_id, now=now
    ).where(changed.c.removed_at.is_not(None))
    await _add(connection, union_all(*fields, listed))


async def note_removals(
    connection: AsyncConnection,
    is_removed: ColumnElement[bool],
    *,
    run_id: str,
    now: datetime,
) -> None:
    """Note that the products that a condition names are no longer in their supplier's feed."""
    rows = _entries(products, HistoryField.LISTED, old=_YES, new=_NO, run_id=run_id, now=now)
    await _add(connection, rows.where(is_removed))


async def page(
    connection: AsyncConnection, tenant_id: str, *, sku: str, dealer_code: str | None, limit: int
) -> list[HistoryEntry]:
    """Return what changed of the products with a sku, the latest first."""
    query = select(*_COLUMNS).where(
        product_history.c.tenant_id == tenant_id, product_history.c.sku == sku
    )
    if dealer_code is not None:
        query = query.where(product_history.c.dealer_code == dealer_code)
    query = query.order_by(product_history.c.entry_id.desc()).limit(limit)
    rows = await connection.execute(query)
    return [HistoryEntry.model_validate(row._asdict()) for row in rows]


def _entries(
    source: FromClause,
    field: str,
    *,
    old: ColumnElement[str],
    new: ColumnElement[str],
    run_id: str,
    now: datetime,
) -> Select[*tuple[Any, ...]]:
    values = {
        **{name: source.c[name] for name in _OF_PRODUCT},
        "field": literal(str(field), Text()),
        "old": old,
        "new": new,
        "run_id": literal(run_id, Text()),
        "changed_at": literal(now, UtcDateTime()),
    }
    return select(*(values[name].label(name) for name in _WRITTEN))


async def _add(connection: AsyncConnection, rows: Any) -> None:
    statement = insert(product_history).from_select(_WRITTEN, rows)
    await connection.execute(statement)
