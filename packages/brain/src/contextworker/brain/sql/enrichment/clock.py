"""The clock that leases run by: one for all workers of a store.

PostgreSQL's own, for the clocks of its workers' machines may differ by more than a lease. Workers
of an SQLite file are on one machine, and share that one's.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Interval, func, literal
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.sql.columns import UtcDateTime


def moment(connection: AsyncConnection, ahead: timedelta = timedelta()) -> ColumnElement[datetime]:
    """Return the time of the statement, or one that far from it."""
    if connection.dialect.name == "sqlite":
        return literal(datetime.now(UTC) + ahead, UtcDateTime())
    now = func.statement_timestamp(type_=UtcDateTime())
    return now + literal(ahead, Interval()) if ahead else now
