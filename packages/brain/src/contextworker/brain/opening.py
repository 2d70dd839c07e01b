"""Opening the Brain that a URL names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contextworker.brain.measuring import measured
from contextworker.brain.protocol import Brain
from contextworker.brain.settings import BrainSettings, is_service
from contextworker.brain.tracing import traced


@asynccontextmanager
async def open_brain(url: str | None = None) -> AsyncIterator[Brain]:
    """Open the store at a URL, or at BRAIN_URL where none is given; closed on leaving.

    The schema (of a CommerceService's Brain: the ledger's) is brought to head first, under a lock,
    unless BRAIN_MIGRATE is off.

    Raises:
        ConfigurationError: The URL names no store this package has, or the store cannot be used
            as it is: no right to it, no such database, a schema that is too new.
        TransientError: The database does not answer now.
    """
    # A program that only names the Brain, as a workflow's messages do, must not load SQLAlchemy.
    from contextworker.brain.sql.database import open_database  # noqa: PLC0415
    from contextworker.brain.sql.migrating import ensure_head  # noqa: PLC0415
    from contextworker.brain.sql.store import SqlBrain  # noqa: PLC0415
    from contextworker.brain.sql.tenancy import warn_if_exempt  # noqa: PLC0415
    from contextworker.brain.sql.urls import parse_url  # noqa: PLC0415

    settings = BrainSettings()
    url = settings.url.get_secret_value() if url is None else url
    if is_service(url):
        # Nor must who has its Brain in a database load gRPC.
        from contextworker.brain.commerce.opening import open_commerce  # noqa: PLC0415

        async with open_commerce(url, settings) as commerce:
            yield traced(measured(commerce), "commerce")
        return
    target = parse_url(url)
    async with open_database(target, settings) as database:
        await ensure_head(database, migrating=settings.migrate)
        await database.read(warn_if_exempt, database.name)
        yield traced(measured(SqlBrain(database)), database.dialect)
