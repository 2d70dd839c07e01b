"""Writing and reading runs."""

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import RunRecord, RunStatus, UpsertCounts
from contextworker.brain.sql.dialects import insert_into
from contextworker.brain.sql.enrichment.clock import moment
from contextworker.brain.sql.schema import runs
from contextworker.core.errors import PermanentError

_LOST = "it was ended from outside, for another run of the same workflow has begun"
# Who is called lost may still have something to say, where two starts overtook each other.
_OPEN = (RunStatus.RUNNING.value, RunStatus.LOST.value)
_COLUMNS = [runs.c[name] for name in RunRecord.model_fields]


async def start(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    run_id: str,
    workflow_id: str,
    supplier_code: str,
) -> RunRecord:
    """Note a run as running, unless it is known; earlier ones of its workflow are over then.

    When it began is by the store's clock: which of a supplier's runs was the last must not depend
    on the clocks of the machines that they began on.
    """
    now = moment(connection)
    row = {
        "tenant_id": tenant_id,
        "run_id": run_id,
        "workflow_id": workflow_id,
        "supplier_code": supplier_code,
        "status": RunStatus.RUNNING.value,
        "inserted": 0,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
        "rejected": 0,
        "started_at": now,
    }
    insert = insert_into(runs, connection.dialect.name).values(row)
    # SQLAlchemy forgets how many rows an INSERT made unless it is told to remember.
    begun = insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    if (await connection.execute(begun)).rowcount:
        await connection.execute(
            update(runs)
            .where(
                runs.c.tenant_id == tenant_id,
                runs.c.workflow_id == workflow_id,
                runs.c.run_id != run_id,
                runs.c.status == RunStatus.RUNNING.value,
            )
            .values(status=RunStatus.LOST.value, error=_LOST, finished_at=now)
        )
    return await _get(connection, tenant_id, run_id)


async def finish(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    run_id: str,
    status: RunStatus,
    counts: UpsertCounts,
    removed: int,
    rejected: int,
    error: str | None,
) -> RunRecord:
    """Note how a run ended, unless that is known."""
    await connection.execute(
        update(runs)
        .where(
            runs.c.tenant_id == tenant_id,
            runs.c.run_id == run_id,
            runs.c.status.in_(_OPEN),
        )
        .values(
            **counts.model_dump(),
            status=status.value,
            removed=removed,
            rejected=rejected,
            error=error,
            finished_at=moment(connection),
        )
    )
    return await _get(connection, tenant_id, run_id)


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    limit: int,
    after: str | None,
    supplier_code: str | None,
) -> list[RunRecord]:
    """Return runs, the latest started first."""
    query = select(*_COLUMNS).where(runs.c.tenant_id == tenant_id)
    if supplier_code is not None:
        query = query.where(runs.c.supplier_code == supplier_code)
    if after is not None:
        seen = await _get(connection, tenant_id, after)
        place = tuple_(runs.c.started_at, runs.c.run_id)
        query = query.where(place < tuple_(seen.started_at, seen.run_id))
    query = query.order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(limit)
    rows = await connection.execute(query)
    return [RunRecord.model_validate(row._asdict()) for row in rows]


async def _get(connection: AsyncConnection, tenant_id: str, run_id: str) -> RunRecord:
    query = select(*_COLUMNS).where(runs.c.tenant_id == tenant_id, runs.c.run_id == run_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise PermanentError(f"the Brain knows no run {run_id!r} of tenant {tenant_id!r}")
    return RunRecord.model_validate(row._asdict())
