"""The Brain as an SQLite file, perhaps on a disk that only processes in its namespace see."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.disk import Disk

_ASK = """
import json, sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=20) as connection:
    rows = connection.execute(sys.argv[2]).fetchall()
print(json.dumps(rows))
"""


@dataclass(frozen=True)
class SQLite:
    """One file for all workers."""

    path: Path
    """Where the workers find it."""

    disk: Disk | None

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database.

        Raises:
            OSError: It cannot answer now, as while its disk is full.
        """
        asking = await asyncio.create_subprocess_exec(
            *(self.disk.enter if self.disk else []),
            *(sys.executable, "-c", _ASK, str(self.path), query),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, said = await asking.communicate()
        if asking.returncode:
            raise OSError(said.decode())
        return [tuple(row) for row in json.loads(out)]
