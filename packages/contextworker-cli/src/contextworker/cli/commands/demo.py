"""`contextworker demo`."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from rich.console import RenderableType
from rich.text import Text

from contextworker.cli.errors import CliError
from contextworker.cli.output.console import err, out
from contextworker.cli.output.hints import command
from contextworker.cli.output.render import pairs
from contextworker.cli.output.tables import products_table
from contextworker.cli.settings import read_settings
from contextworker.cli.stack.notes import starting_notes
from contextworker.cli.stack.ports import PortWish
from contextworker.cli.stack.prepare import prepare
from contextworker.cli.stack.stack import Stack
from contextworker.cli.story import SUPPLIER, Outcome, play

T = TypeVar("T")


async def demo() -> int:
    """Start everything, harvest a feed, enrich its products, show them, stop everything.

    Temporal, the Brain, the gateway and a worker per module run in a folder of their own, on free
    ports. The folder is removed at the end, and kept where something failed.
    """
    began = time.monotonic()
    settings = read_settings()
    with own_folder(settings.state_dir) as folder:
        plan = prepare(
            folder,
            settings,
            gateway=PortWish("the gateway", ""),
            temporal=PortWish("Temporal", ""),
            ui=PortWish("Temporal's UI", ""),
            throwaway=True,
        )
        if not plan.first:  # its Temporal is somebody else's
            from contextworker.cli.stack.borrowed import refuse_shared_queues  # noqa: PLC0415 - rare

            await refuse_shared_queues(plan.modules, os.environ)
        async with Stack(plan) as stack:
            with err().status("Starting …") as status:
                await stack.start(starting_notes(err(), status))
            if plan.ui:
                err().print(f"Temporal's UI, while this runs: {plan.ui}")
            outcome = await _unless_broken(play(plan), stack)
            show(outcome)
            err().print("Stopping …")
    err().print(f"[green]✓[/] Done in {time.monotonic() - began:.1f} s; nothing is left running.")
    return 0


@contextmanager
def own_folder(state_dir: Path) -> Iterator[Path]:
    """Make a folder for one demo; remove it after, or keep and name it when something failed."""
    made = not state_dir.exists()
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="demo-", dir=state_dir)).resolve()
    except OSError:  # a read-only place is no reason not to show the demo
        folder = Path(tempfile.mkdtemp(prefix="contextworker-demo-")).resolve()
    keep = False
    try:
        yield folder
    except asyncio.CancelledError:
        err().print("Interrupted; nothing is left running.")
        raise
    except Exception as error:
        keep = any(folder.rglob("*.log"))
        if keep and isinstance(error, CliError):
            error.details = (*error.details, f"everything it wrote is kept in {folder}")
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
            if made:
                with suppress(OSError):  # not empty: somebody else uses it by now
                    state_dir.rmdir()


async def _unless_broken(work: Coroutine[Any, Any, T], stack: Stack) -> T:
    """Await the work, but not past the death of a process it needs."""
    working = asyncio.create_task(work)
    watching = asyncio.create_task(stack.watch())
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            watching.result()  # raises what the process left
        return working.result()
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


def show(outcome: Outcome) -> None:
    """Print the products, the counts and the workflow ids."""
    console = out()
    console.print(
        products_table(outcome.products, width=console.width, title="Some of the enriched products")
    )
    result = outcome.harvest.result or {}
    rejects = ", ".join(
        f"{count:,} {reason.replace('_', ' ')}" for reason, count in outcome.rejects.items()
    )
    statuses = ", ".join(f"{count:,} {name}" for name, count in outcome.by_status.items() if count)
    rows: list[tuple[str, RenderableType]] = [
        ("supplier", Text(SUPPLIER)),
        ("rows read", Text(f"{result.get('rows', 0):,}")),
        ("inserted", Text(f"{result.get('inserted', 0):,}")),
        ("rejected", Text(f"{result.get('rejected', 0):,}" + (f" ({rejects})" if rejects else ""))),
        ("enriched", Text(statuses or "none")),
        ("a program says", Text(f"the cheapest tent is the {outcome.found}")),
        ("workflows", Text(f"{outcome.harvest.workflow_id}\n{outcome.gardener.workflow_id}")),
    ]
    rows.append(("next", Text(f"{command('up')} keeps all this running, with Temporal's UI")))
    console.print(pairs(rows))
