"""The Brain for a command, and how what it holds is shown."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel
from rich.table import Table

from contextworker.brain import Brain, open_brain
from contextworker.cli.address import brain_url
from contextworker.cli.output.console import err, out, print_json


@asynccontextmanager
async def open_stored() -> AsyncIterator[Brain]:
    """Open the Brain that commands read.

    Raises:
        BrainError: There is none.
    """
    async with open_brain(brain_url()) as brain:
        yield brain


def show(found: Sequence[BaseModel], table: Table, *, json: bool, none: str) -> None:
    """Print what was found, as JSON, as a table, or as a sentence where it is nothing."""
    if json:
        rows: list[dict[str, Any]] = [item.model_dump(mode="json") for item in found]
        print_json(rows)
    elif found:
        out().print(table)
    else:
        err().print(none, markup=False)
