"""Writing and reading rejects."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, func, literal, or_, select, true, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Reject, RejectRecord
from contextworker.brain.sql import json_rows
from contextworker.brain.sql.columns import UtcDateTime
from contextworker.brain.sql.dialects import insert_into
from contextworker.brain.sql.schema import rejects, runs
from contextworker.brain.values import NUL_IN_JSON
from contextworker.core.errors import InvalidInputError

_TYPES: json_rows.Types = {
    "source": json_rows.TEXT,
    "row_number": json_rows.INTEGER,
    "reason_code": json_rows.TEXT,
    "reason": json_rows.TEXT,
    "raw": json_rows.OBJECT,
}
_CURSOR: TypeAdapter[tuple[str, str, int]] = TypeAdapter(tuple[str, str, int])
# So many rows of feeds are no longer than this that what is longer is hardly a row.
_RAW_MAX_BYTES = 64 * 1024
_LONGEST_VALUE = 1000
SHORTENED = "…"
_COLUMNS = [rejects.c[name] for name in Reject.model_fields]


async def record(
    connection: AsyncConnection,
    tenant_id: str,
    records: Sequence[RejectRecord],
    *,
    run_id: str,
    now: datetime,
) -> None:
    """Store rejects; one that is known is written again, and keeps when it was recorded first."""
    last = {(item.source, item.row_number): item for item in records}
    common: dict[str, ColumnElement[Any]] = {
        "tenant_id": literal(tenant_id),
        "run_id": literal(run_id),
        "recorded_at": literal(now, UtcDateTime()),
    }
    values = common | json_rows.unpacked(connection.dialect.name, _TYPES)
    # SQLite takes ON CONFLICT for the start of a join unless the SELECT has a WHERE.
    rows = select(*values.values()).where(true())
    insert = insert_into(rejects, connection.dialect.name)
    statement = insert.from_select(list(values), rows)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "run_id", "source", "row_number"],
            set_={name: statement.excluded[name] for name in ("reason_code", "reason", "raw")},
        ),
        json_rows.parameter([_content(item) for _, item in sorted(last.items())]),
    )


async def resolve(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    run_id: str,
    rows: Sequence[tuple[str, int]],
    resolved_run_id: str,
) -> int:
    """Note who made products of rejects; returns of how many it was this run."""
    named = json_rows.unpacked(
        connection.dialect.name, {"source": json_rows.TEXT, "row_number": json_rows.INTEGER}
    )
    statement = (
        update(rejects)
        .where(
            rejects.c.tenant_id == tenant_id,
            rejects.c.run_id == run_id,
            tuple_(rejects.c.source, rejects.c.row_number).in_(select(*named.values())),
            or_(rejects.c.resolved_run_id.is_(None), rejects.c.resolved_run_id == resolved_run_id),
        )
        .values(resolved_run_id=resolved_run_id)
    )
    parameter = json_rows.parameter(
        [{"source": source, "row_number": number} for source, number in sorted(set(rows))]
    )
    return (await connection.execute(statement, parameter)).rowcount


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    run_id: str | None,
    supplier_code: str | None,
    unresolved: bool,
    limit: int,
    after: str | None,
) -> list[Reject]:
    """Return a page in the order of run, source and row."""
    key = (rejects.c.run_id, rejects.c.source, rejects.c.row_number)
    query = select(*_COLUMNS).where(rejects.c.tenant_id == tenant_id)
    if run_id is not None:
        query = query.where(rejects.c.run_id == run_id)
    if supplier_code is not None:
        its_runs = select(runs.c.run_id).where(
            runs.c.tenant_id == tenant_id, runs.c.supplier_code == supplier_code
        )
        query = query.where(rejects.c.run_id.in_(its_runs))
    if unresolved:
        query = query.where(rejects.c.resolved_run_id.is_(None))
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*_position(after)))
    rows = await connection.execute(query.order_by(*key).limit(limit))
    return [Reject.model_validate(row._asdict()) for row in rows]


async def count(connection: AsyncConnection, tenant_id: str, *, run_id: str) -> dict[str, int]:
    """Count a run's rejects by reason code, the most frequent first."""
    query = (
        select(rejects.c.reason_code, func.count())
        .where(rejects.c.tenant_id == tenant_id, rejects.c.run_id == run_id)
        .group_by(rejects.c.reason_code)
        .order_by(func.count().desc(), rejects.c.reason_code)
    )
    return dict((await connection.execute(query)).all())


def _position(cursor: str) -> tuple[str, str, int]:
    try:
        return _CURSOR.validate_json(cursor)
    except ValidationError:
        raise InvalidInputError(
            f"{cursor!r} is no place in a list of rejects: give the `cursor` of the last one seen"
        ) from None


def _content(item: RejectRecord) -> dict[str, Any]:
    return {**dict(item), "raw": _storable(item.raw)}


def _storable(raw: dict[str, Any]) -> Any:
    """Return a row as JSON can hold it: a reject is kept whatever was wrong with the row."""
    plain = to_jsonable_python(raw, fallback=str, bytes_mode="base64")
    text = json.dumps(plain, ensure_ascii=False).encode(errors="replace").decode()
    # NaN and the infinities, which JSON lacks, become their names.
    row = json.loads(NUL_IN_JSON.sub(r"\1\\ufffd", text), parse_constant=str)
    return row if len(text.encode()) <= _RAW_MAX_BYTES else _shortened(row)


def _shortened(row: dict[str, Any]) -> dict[str, Any]:
    """Return what fits of a row, and a mark by which a replay can tell that it is not whole."""
    short: dict[str, Any] = {SHORTENED: "shortened"}
    left = _RAW_MAX_BYTES // 2
    for name, value in row.items():
        text = value if isinstance(value, str) else json_rows.encode(value)
        part = text.encode()[:_LONGEST_VALUE].decode(errors="ignore")
        left -= len(json_rows.encode([name, part]).encode())
        if left < 0:
            break
        short[name] = value if part == text else part + SHORTENED
    return short
