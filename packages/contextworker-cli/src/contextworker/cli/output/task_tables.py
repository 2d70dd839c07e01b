"""Lists of tasks and of schedules, as tables."""

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table
from rich.text import Text

from contextworker.cli.output.render import state_text
from contextworker.cli.output.spans import ago, span
from contextworker.cli.output.tables import plain_table
from contextworker.core.client import ScheduleInfo, TaskSummary


def tasks_table(tasks: Iterable[TaskSummary], now: datetime) -> Table:
    """Return tasks, each on a line."""
    table = plain_table("Workflow", "Type", "Tenant", "Status", "Started", "Took")
    for task in tasks:
        took = span(task.closed_at - task.started_at) if task.closed_at and task.started_at else ""
        table.add_row(
            Text(task.workflow_id),
            Text(task.workflow_type),
            Text(task.tenant_id or ""),
            state_text(task.status.replace("_", " ")),
            Text(ago(task.started_at, now) if task.started_at else ""),
            Text(took),
        )
    return table


def schedules_table(schedules: Iterable[ScheduleInfo]) -> Table:
    """Return schedules, each on a line, and below it what there is to say of it."""
    table = plain_table("Schedule", "Tenant", "Type", "Cron", "Next run", "Last run")
    for schedule in schedules:
        said = schedule.reason or (schedule.note if schedule.paused else None)
        table.add_row(
            Text.assemble(schedule.schedule_id, (f"\n{said}" if said else "", "dim")),
            Text(schedule.tenant_id),
            Text(schedule.workflow_type),
            Text.assemble(schedule.cron, (f" {schedule.timezone}", "dim")),
            _next(schedule),
            _minute(schedule.recent_runs[0].started_at if schedule.recent_runs else None),
        )
    return table


def _next(schedule: ScheduleInfo) -> Text:
    if schedule.paused:
        return Text("paused", style="yellow")
    return _minute(schedule.next_run_at)


def _minute(time: datetime | None) -> Text:
    return Text(f"{time:%Y-%m-%d %H:%M} UTC" if time else "")
