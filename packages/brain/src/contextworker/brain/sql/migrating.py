"""Bringing a Brain's schema to the version this package needs."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.settings import BrainSettings
from contextworker.brain.sql.database import Database, open_database
from contextworker.brain.sql.urls import parse_url
from contextworker.core.errors import ConfigurationError

HEAD = "0005"
VERSION_TABLE = "brain_version"
_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x627261696E  # "brain": any number that no other program locks in the same database


async def migrate(url: str, *, variable: str = "BRAIN_URL") -> str:
    """Bring the schema at a URL to head and return its revision.

    Safe when any number of processes do it at once: one migrates, the others wait and find it
    done. A migration that fails is undone whole.

    Raises:
        ConfigurationError: The URL is wrong, or the schema is newer than this package.
        TransientError: The database does not answer.
    """
    async with open_database(parse_url(url, variable=variable), BrainSettings()) as database:
        await ensure_head(database, migrating=True)
    return HEAD


async def ensure_head(database: Database, *, migrating: bool) -> None:
    """Bring the schema to head, or, where migrating is off, insist that it is there."""
    found = await database.read(AsyncConnection.run_sync, _revision)
    # A look first: nearly every opening finds head, and spares loading Alembic and taking the lock.
    if found == HEAD:
        return
    if not migrating:
        raise ConfigurationError(
            f"the schema of the Brain at {database.name} is at revision {found or 'none'} and "
            f"must be at {HEAD}; run `python -m contextworker.brain` or set BRAIN_MIGRATE=on"
        )
    await database.write(_upgrade_alone, database.name)


async def _upgrade_alone(connection: AsyncConnection, name: str) -> None:
    # On SQLite the write transaction is itself the lock.
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    await connection.run_sync(_upgrade, name)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 # a constant  # nosec B608 # a constant


def _upgrade(connection: Connection, name: str) -> None:
    # Loaded only by the process that migrates: it costs every other one a third of its start.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    # Alembic reads % in an option as the start of an interpolation.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = _revision(connection)
    if found is not None and found not in known:
        raise ConfigurationError(
            f"the schema of the Brain at {name} is at revision {found}, which is newer than this "
            f"contextworker-brain knows ({HEAD}); upgrade the package"
        )
    command.upgrade(config, "head")
