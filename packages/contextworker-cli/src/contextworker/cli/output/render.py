"""Errors and statuses as a person reads them. What comes from outside is never read as markup."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contextworker.cli.errors import CliError
from contextworker.cli.output.console import err, spelt_out
from contextworker.cli.output.hints import command
from contextworker.cli.output.views import describe, describe_step
from contextworker.cli.stack.state import StackState
from contextworker.core.client import Failure, Step, TaskStatus

_TRY = (
    "start harvest supplier_code=camping-trade tenant_id=my_project --watch",
    "gardener run --tenant my_project --watch",
    "gardener review list --tenant my_project",
    "brain products --tenant my_project",
    "run -c \"len(products('tent'))\" --tenant my_project",
    "modules",
)
_FACTS = ("workflow_type", "run_id", "task_queue", "started_at", "closed_at")
_SHOWN = {*_FACTS, "workflow_id", "status", "progress", "reason", "error", "result"}
STYLES = {
    "completed": "green",
    "done": "green",
    "running": "cyan",
    "queued": "yellow",
    "pending": "yellow",
    "review": "yellow",
}


def print_error(error: CliError) -> None:
    """Print an error and its details on stderr."""
    console = err()
    console.print(Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True)
    for line in error.details:
        console.print(Text(f"  {line}"), soft_wrap=True)


def state_text(state: str) -> Text:
    """Return a status in its colour."""
    return Text(state, style=STYLES.get(state, "red"))


def pairs(rows: list[tuple[str, RenderableType]]) -> Table:
    """Return a borderless table of names and values."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def status_view(status: TaskStatus) -> RenderableType:
    """Return everything the gateway said about a workflow."""
    rows: list[tuple[str, RenderableType]] = [
        ("workflow", Text(status.workflow_id)),
        ("status", state_text(status.status)),
    ]
    if not status.closed and (status.progress or status.reason):
        rows.append(("now", Text(describe(status))))
    if status.progress and status.progress.steps:
        steps = (Text(describe_step(step)) for step in status.progress.steps)
        rows.append((status.progress.unit, Group(*steps)))
    if status.error:
        rows.append(("error", Text(status.error.sentence())))
        rows += [("caused by", Text(cause)) for cause in _deeper(status.error)]
    if status.reason and status.closed:
        rows.append(("reason", Text(status.reason)))
    known = status.dump()
    rows += [(_label(key), Text(str(known[key]))) for key in _FACTS if known.get(key)]
    rest = ((key, value) for key, value in known.items() if key not in _SHOWN)
    rows += [(_label(key), _value(value)) for key, value in rest if value not in (None, "", [])]
    if status.result:
        rows.append(("result", _value(status.result)))
    return pairs(rows)


def _deeper(failure: Failure) -> list[str]:
    """Return the causes that say something new."""
    said = {cause.message: f"{cause.type}: {cause.message}" for cause in failure.causes}
    said.pop(failure.message, None)
    return list(said.values())


def stack_view(state: StackState) -> RenderableType:
    """Return where a running stack answers, where its logs are and how to try it."""
    rows: list[tuple[str, RenderableType]] = [
        ("gateway", Text(state.gateway, style="bold")),
        ("Temporal", Text(state.temporal)),
    ]
    if state.ui:
        rows.append(("Temporal's UI", Text(state.ui, style=f"link {state.ui}")))
    if state.codec_server:
        rows.append(("codec server", Text(state.codec_server)))
    rows += [
        ("Brain", Text(state.brain_url)),
        ("suppliers", Text(str(state.suppliers_dir))),
        ("logs", Group(*(Text(str(process.log)) for process in state.processes))),
        ("try", Group(*(Text(command(words), style="cyan") for words in _TRY))),
        ("stop", Text.assemble("Ctrl-C there, or ", (command("down"), "cyan"))),
    ]
    return pairs(rows)


def _label(key: str) -> str:
    return key.replace("_", " ")


def _value(value: Any) -> RenderableType:
    if isinstance(value, dict):
        if value.keys() == Step.model_fields.keys():
            return Text(describe_step(Step.model_validate(value)))
        return pairs([(_label(str(key)), _value(item)) for key, item in sorted(value.items())])
    if isinstance(value, list):
        return Group(*(_value(item) for item in value)) if value else Text("none")
    if isinstance(value, float):
        return Text(f"{value:g}")
    return Text("" if value is None else spelt_out(str(value)))
