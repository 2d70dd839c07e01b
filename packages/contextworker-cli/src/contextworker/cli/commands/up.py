"""`contextworker up`."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from filelock import FileLock, Timeout

from contextworker.cli.errors import StackError
from contextworker.cli.output.console import err, out
from contextworker.cli.output.render import stack_view
from contextworker.cli.settings import DEFAULT_PORT, read_settings
from contextworker.cli.stack.again import until_ports_hold
from contextworker.cli.stack.logs import rotate
from contextworker.cli.stack.notes import running_notes, starting_notes
from contextworker.cli.stack.plan import Plan
from contextworker.cli.stack.ports import PortWish
from contextworker.cli.stack.prepare import prepare
from contextworker.cli.stack.processes import kill_all
from contextworker.cli.stack.stack import Stack
from contextworker.cli.stack.state import (
    LOCK_FILE,
    clear_state,
    describe_stack,
    read_state,
    write_state,
)

TEMPORAL_PORT = 7233
UI_PORT = 8233

PortOption = Annotated[int | None, Parameter(show_default=False)]


async def up(
    *, port: PortOption = None, ui_port: PortOption = None, temporal_port: PortOption = None
) -> int:
    """Run Temporal, the gateway and a worker per module until Ctrl-C.

    Everything is kept in `.contextworker/` of this folder: the next `up` goes on where this one
    stopped, open workflows too. A process that dies is started again.

    Args:
        port: The gateway's port. Default: 50052, or a free one where that is in use.
        ui_port: The port of Temporal's UI. Default: 8233, or a free one.
        temporal_port: Temporal's port. Default: 7233, or a free one.
    """
    settings = read_settings()
    root = settings.state_dir.resolve()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(f"The state folder cannot be made: {error}") from error
    try:
        with FileLock(root / LOCK_FILE).acquire(timeout=0):
            _recover(root)
            await until_ports_hold(
                lambda: prepare(
                    root,
                    settings,
                    gateway=PortWish("the gateway", "--port", port, DEFAULT_PORT),
                    temporal=PortWish("Temporal", "--temporal-port", temporal_port, TEMPORAL_PORT),
                    ui=PortWish("Temporal's UI", "--ui-port", ui_port, UI_PORT),
                ),
                lambda plan: _run(plan, root),
            )
    except Timeout:
        _already_running(root)
    return 0


async def _run(plan: Plan, root: Path) -> None:
    console = err()
    rotate(plan.folders.logs)
    async with Stack(plan) as stack:
        try:
            # Written before anything starts, so that a kill during the start is recognised too.
            _write(root, stack)
            with console.status("Starting …") as status:
                await stack.start(starting_notes(console, status))
            _write(root, stack)
            out().print(stack_view(describe_stack(stack)))
            await stack.keep(running_notes(console, partial(_write, root, stack)))
        except asyncio.CancelledError:
            console.print("Stopping … (once more to stop without waiting)")
            raise
        finally:
            clear_state(root)


def _write(root: Path, stack: Stack) -> None:
    write_state(root, describe_stack(stack))


def _recover(root: Path) -> None:
    """Clear up after an `up` that was killed."""
    stale = read_state(root)
    if stale is None:
        return
    ended = kill_all(stale.processes)
    clear_state(root)
    left = f" Ended what it left: {', '.join(ended)}." if ended else ""
    err().print(f"The last `contextworker up` here was killed; its data is kept.{left}")


def _already_running(root: Path) -> None:
    state = read_state(root)
    if state is None or not state.up.running or not state.ready:
        raise StackError(f"Another `contextworker up` is just starting or stopping in {root}.")
    err().print(f"It is already running here (process {state.up.pid}).")
    out().print(stack_view(state))
