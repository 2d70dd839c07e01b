"""Writing and reading what people said of products."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Example
from contextworker.brain.sql.dialects import insert_into
from contextworker.brain.sql.schema import examples

_COLUMNS = [examples.c[name] for name in Example.model_fields]


async def record(connection: AsyncConnection, tenant_id: str, items: Sequence[Example]) -> None:
    """Store examples; one that is known is replaced."""
    last = {item.example_id: item for item in items}
    if not last:
        return
    statement = insert_into(examples, connection.dialect.name)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "example_id"],
            set_={name: statement.excluded[name] for name in Example.model_fields},
        ),
        # In the order of the key: two writers that meet on the same rows queue up, never deadlock.
        [{"tenant_id": tenant_id, **dict(item)} for _, item in sorted(last.items())],
    )


async def page(
    connection: AsyncConnection, tenant_id: str, *, task: str, limit: int, after: str | None
) -> list[Example]:
    """Return a page in the order of example_id."""
    query = select(*_COLUMNS).where(examples.c.tenant_id == tenant_id, examples.c.task == task)
    if after is not None:
        query = query.where(examples.c.example_id > after)
    rows = await connection.execute(query.order_by(examples.c.example_id).limit(limit))
    return [Example.model_validate(row._asdict()) for row in rows]
