"""What a starting and running stack says of its processes."""

from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from contextworker.cli.stack.process import Child
from contextworker.cli.stack.stack import Event, Tell


def starting_notes(console: Console, status: Status) -> Tell:
    """Return a listener for the start: what it waits for, and a line for what is ready."""
    waiting: set[str] = set()

    def tell(event: Event, child: Child, _text: str) -> None:
        name = child.program.name
        if event is Event.STARTING:
            waiting.add(name)
        elif event is Event.READY:
            waiting.discard(name)
            console.print(f"[green]✓[/] {escape(name)} is ready")
        if waiting:
            status.update(f"Starting {escape(', '.join(sorted(waiting)))} …")

    return tell


def running_notes(console: Console, on_change: Callable[[], None]) -> Tell:
    """Return a listener for a stack that is kept: a line for every death and return."""

    def tell(event: Event, child: Child, text: str) -> None:
        name = escape(child.program.name)
        if event is Event.DIED:
            console.print(
                f"[yellow]![/] {name} stopped: {escape(text)} ({escape(str(child.program.log))})"
            )
        elif event is Event.READY:
            on_change()
            console.print(f"[green]✓[/] {name} is back")
        elif event is Event.FAILED:
            console.print(f"[red]✗[/] {escape(text)}")

    return tell
