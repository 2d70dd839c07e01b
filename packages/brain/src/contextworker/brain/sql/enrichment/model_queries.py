"""Writing and reading which models were trained, and which of each task is the current one.

It is the one recorded last, so that two that are recorded at once are told apart without a word
between them.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import ModelRecord
from contextworker.brain.sql.dialects import insert_into
from contextworker.brain.sql.enrichment.clock import moment
from contextworker.brain.sql.schema import models

_COLUMNS = [models.c[name] for name in ModelRecord.model_fields]


async def record(connection: AsyncConnection, tenant_id: str, model: ModelRecord) -> None:
    """Note a model as its task's current one."""
    row = {"tenant_id": tenant_id, **dict(model), "recorded_at": moment(connection)}
    statement = insert_into(models, connection.dialect.name).values(row)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "task", "version"],
            set_={
                name: statement.excluded[name]
                for name in (*ModelRecord.model_fields, "recorded_at")
            },
        )
    )


async def page(
    connection: AsyncConnection, tenant_id: str, *, task: str | None, limit: int
) -> list[ModelRecord]:
    """Return models by task, the one recorded last first."""
    query = select(*_COLUMNS).where(models.c.tenant_id == tenant_id)
    if task is not None:
        query = query.where(models.c.task == task)
    order = (models.c.task, models.c.recorded_at.desc(), models.c.version)
    rows = await connection.execute(query.order_by(*order).limit(limit))
    return [ModelRecord.model_validate(row._asdict()) for row in rows]
