"""Writing and reading rejects."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, func, literal, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Reject, RejectRecord
from contextworker.brain.sql import json_rows
from contextworker.brain.sql.columns import UtcDateTime
from contextworker.brain.sql.schema import rejects
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
    insert = json_rows.insert_into(rejects, connection.dialect.name)
    statement = insert.from_select(list(values), rows)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "run_id", "source", "row_number"],
            set_={name: statement.excluded[name] for name in ("reason_code", "reason", "raw")},
        ),
        json_rows.parameter([_content(item) for _, item in sorted(last.items())]),
    )


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    run_id: str | None,
    limit: int,
    after: str | None,
) -> list[Reject]:
    """Return a page in the order of run, source and row."""
    key = (rejects.c.run_id, rejects.c.source, rejects.c.row_number)
    query = select(*_COLUMNS).where(rejects.c.tenant_id == tenant_id)
    if run_id is not None:
        query = query.where(rejects.c.run_id == run_id)
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
    return json.loads(NUL_IN_JSON.sub(r"\1\\ufffd", text), parse_constant=str)
