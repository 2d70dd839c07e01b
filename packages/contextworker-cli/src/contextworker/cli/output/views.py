"""The two views of a followed workflow: a live bar on a terminal, lines in a pipe."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from contextworker.cli.client.follow import View
from contextworker.core.client import Progress as TaskProgress
from contextworker.core.client import Step, TaskStatus

_STEP: Final = 0.25  # a line per quarter of a stage is enough to see that it moves


@contextmanager
def progress_view(console: Console, title: str) -> Iterator[View]:
    """Open the view that suits the console."""
    if not console.is_terminal:
        yield _Lines(console, title)
        return
    if len(title) > console.width // 3:  # beside it nothing would be left of how the run stands
        console.print(f"[bold]{escape(title)}")
        title = ""
    progress = Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=32),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        console=console,
    )
    with progress:
        yield _Bar(progress, title)


class _Bar:
    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._task = progress.add_task(escape(title), total=None, state="starting")

    def show(self, status: TaskStatus) -> None:
        now = status.progress
        state = escape(describe(status))
        if not status.closed:
            total = now.total if now else None
            done = now.done if now else 0
            self._progress.update(self._task, total=total, completed=done, state=state)
        elif status.completed:
            self._progress.update(self._task, total=1, completed=1, state=f"[green]{state}[/]")
        else:
            self._progress.update(self._task, state=f"[red]{state}[/]")
            self._progress.stop_task(self._task)

    def note(self, text: str) -> None:
        self._progress.console.print(f"[yellow]{escape(text)}[/]")


class _Lines:
    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._last: tuple[object, ...] = ()

    def show(self, status: TaskStatus) -> None:
        now = status.progress
        part = int(now.done / now.total / _STEP) if now and now.total else 0
        failing = status.error.message if status.error else ""
        key = (status.status, now.stage if now else "", part, failing, _latest(now))
        if key != self._last:
            self._last = key
            self.note(describe(status))

    def note(self, text: str) -> None:
        self._console.print(f"{self._title}: {text}", markup=False)


def describe(status: TaskStatus) -> str:
    """Say a state in a few words."""
    if status.closed:
        return status.status.replace("_", " ")
    if status.status == "queued":
        return f"queued: {status.reason}" if status.reason else "queued"
    trouble = f": {status.error.sentence()}" if status.error else ""
    now = status.progress
    if now is None:
        return status.status + trouble
    amount = f" {now.done:,}" + (f" of {now.total:,}" if now.total is not None else "")
    unit = now.unit.removesuffix("s") if (now.done, now.total) == (1, None) else now.unit
    counted = f"{amount} {unit}" if now.done or now.total else ""
    latest = f" · {step}" if (step := _latest(now)) else ""
    return now.stage + counted + latest + trouble


def describe_step(step: Step) -> str:
    """Say one of a run's steps in a line."""
    return " ".join(filter(None, (step.name, step.detail, step.status)))


def _latest(progress: TaskProgress | None) -> str:
    """Say the latest step, where the stage does not say it by itself."""
    if not progress or not progress.steps:
        return ""
    step = progress.steps[-1]
    return "" if step.name in progress.stage else describe_step(step)
