"""Storing a batch of products: one statement decides, writes and tells what each row came to.

Nothing is read first, so nothing can change between reading and writing: the database compares
each row with the one it holds at that moment, and the returned row says what became of it.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, literal, null, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.identity import product_id
from contextworker.brain.models import ProductFields, ProductRecord, UpsertCounts
from contextworker.brain.sql import json_rows
from contextworker.brain.sql.columns import UtcDateTime
from contextworker.brain.sql.schema import products
from contextworker.brain.sql.search import fold

_FIELDS = tuple(ProductFields.model_fields)
_TYPES: json_rows.Types = {
    **dict.fromkeys((*_FIELDS, "product_id", "content_hash", "search_text"), json_rows.TEXT),
    "quantity": json_rows.INTEGER,
    "price_retail": json_rows.DECIMAL,
    "params": json_rows.OBJECT,
}


async def upsert(
    connection: AsyncConnection,
    tenant_id: str,
    records: Sequence[ProductRecord],
    *,
    run_id: str,
    now: datetime,
) -> UpsertCounts:
    """Store a batch and count what this run did to its products."""
    last = {product_id(tenant_id, item.dealer_code, item.sku): item for item in records}
    # In the order of the key: two writers that meet on the same rows queue up, never deadlock.
    batch = sorted(last.items())
    call = _call_digest(run_id, batch)
    moment = literal(now, UtcDateTime())
    common: dict[str, ColumnElement[Any]] = {
        "tenant_id": literal(tenant_id),
        "inserted_run_id": literal(run_id),
        "updated_run_id": null(),
        "seen_run_id": literal(run_id),
        "counted_call": literal(call),
        **dict.fromkeys(("first_seen_at", "last_seen_at", "updated_at"), moment),
    }
    values = common | json_rows.unpacked(connection.dialect.name, _TYPES)
    # SQLite takes ON CONFLICT for the start of a join unless the SELECT has a WHERE.
    rows = select(*values.values()).where(true())
    written = await connection.execute(
        _statement(connection.dialect.name, values, rows),
        json_rows.parameter([_content(key, item) for key, item in batch]),
    )
    return _count(written, run_id=run_id, call=call)


def _content(key: str, item: ProductRecord) -> dict[str, Any]:
    row = {name: getattr(item, name) for name in _FIELDS}
    if item.price_retail is not None:
        row["price_retail"] = format(item.price_retail, "f")
    row["product_id"] = key
    row["content_hash"] = item.content_hash
    row["search_text"] = fold(f"{item.sku}\n{item.name}\n{item.brand_name or ''}")
    return row


def _call_digest(run_id: str, batch: Iterable[tuple[str, ProductRecord]]) -> str:
    """Name a call by what it was asked to do, so that its repetition has the same name."""
    digest = hashlib.sha256(run_id.encode())
    for key, item in batch:
        digest.update(f"\x00{key}{item.content_hash}".encode())
    return digest.hexdigest()


def _statement(dialect: str, columns: Iterable[str], rows: Any) -> Any:
    statement = json_rows.insert_into(products, dialect).from_select(list(columns), rows)
    new = statement.excluded
    changed = products.c.content_hash != new.content_hash
    first_in_run = products.c.seen_run_id != new.seen_run_id
    return statement.on_conflict_do_update(
        index_elements=["tenant_id", "product_id"],
        set_={
            **{name: new[name] for name in (*_FIELDS, "content_hash", "search_text")},
            "enrichment_status": case((changed, "pending"), else_=products.c.enrichment_status),
            "updated_run_id": case((changed, new.inserted_run_id), else_=products.c.updated_run_id),
            "updated_at": case((changed, new.updated_at), else_=products.c.updated_at),
            "seen_run_id": new.seen_run_id,
            "counted_call": case((first_in_run, new.counted_call), else_=products.c.counted_call),
            "last_seen_at": new.last_seen_at,
        },
    ).returning(products.c.inserted_run_id, products.c.updated_run_id, products.c.counted_call)


def _count(
    written: Iterable[tuple[str, str | None, str]], *, run_id: str, call: str
) -> UpsertCounts:
    counts: Counter[str] = Counter()
    for inserted_by, updated_by, counted_by in written:
        if counted_by != call:
            continue  # an earlier call of this run brought the product and counts it
        if inserted_by == run_id:
            counts["inserted"] += 1
        elif updated_by == run_id:
            counts["updated"] += 1
        else:
            counts["unchanged"] += 1
    return UpsertCounts(**counts)
