"""Lists of tasks and of schedules, as tables."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group
from rich.table import Table
from rich.text import Text

from contextworker.cli.output.render import state_text
from contextworker.cli.output.spans import ago, span
from contextworker.cli.output.tables import plain_table
from contextworker.core.client import ScheduleInfo, TaskSummary

_ROOMY = 110  # characters that the six columns need to be read with ease


def tasks_table(tasks: Iterable[TaskSummary], now: datetime, *, width: int) -> Table:
    """Return tasks, each on a line.

    Where six columns do not fit in `width` characters, the type and the tenant are left to the
    workflow id, which begins with them.
    """
    roomy = width >= _ROOMY
    owner = ["Type", "Tenant"] if roomy else []
    table = plain_table("Workflow", *owner, "Status", "Started", "Took")
    for task in tasks:
        took = span(task.closed_at - task.started_at) if task.closed_at and task.started_at else ""
        table.add_row(
            Text(task.workflow_id),
            *([Text(task.workflow_type), Text(task.tenant_id or "")] if roomy else []),
            state_text(task.status.replace("_", " ")),
            Text(ago(task.started_at, now) if task.started_at else ""),
            Text(took),
        )
    return table


def schedules_view(schedules: Sequence[ScheduleInfo], *, width: int) -> Group:
    """Return schedules, each on a line, and below them what there is to say of some.

    Where six columns do not fit in `width` characters, type and tenant stand below the id.
    """
    roomy = width >= _ROOMY
    owner = ["Tenant", "Type"] if roomy else []
    table = plain_table("Schedule", *owner, "Cron", "Next run", "Last run")
    for schedule in schedules:
        kind, tenant = schedule.workflow_type, schedule.tenant_id
        name = Text(schedule.schedule_id)
        table.add_row(
            *(
                [name, Text(tenant), Text(kind)]
                if roomy
                else [Text.assemble(name, (f"\n{kind}, {tenant}", "dim"))]
            ),
            Text.assemble(schedule.cron, (f" {schedule.timezone}", "dim")),
            Text("paused", style="yellow") if schedule.paused else _minute(schedule.next_run_at),
            _minute(schedule.recent_runs[0].started_at if schedule.recent_runs else None),
        )
    return Group(table, *(remark for each in schedules if (remark := _remark(each))))


def _remark(schedule: ScheduleInfo) -> Text | None:
    said = schedule.reason or (schedule.note if schedule.paused else None)
    return Text.assemble(f"{schedule.schedule_id}: ", (said, "dim")) if said else None


def _minute(time: datetime | None) -> Text:
    return Text(f"{time:%Y-%m-%d %H:%M} UTC" if time else "")
