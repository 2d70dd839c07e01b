"""What lists of tasks and schedules look like on a screen."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from contextworker.cli.output.task_tables import schedules_view, tasks_table
from contextworker.core.client import ScheduledRun, ScheduleInfo, TaskSummary

NOW = datetime(2026, 11, 22, 1, tzinfo=UTC)
ID = "harvest-my_project-nightly-2026-11-22T01:00:00Z"
REASON = "no module announces 'harvest' now; runs wait on harvest-tasks until a worker knows it"


def lines(shown: RenderableType, width: int) -> list[str]:
    """Print something on a screen of a width; returns its lines, each space once."""
    screen = StringIO()
    Console(file=screen, width=width).print(shown)
    return [" ".join(line.split()) for line in screen.getvalue().splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, [f"{ID} completed 2 h ago 1 h"]),
        (200, [f"{ID} harvest my_project completed 2 h ago 1 h"]),
    ],
)
def test_a_workflow_id_can_be_copied_from_a_narrow_screen(width: int, expected: list[str]) -> None:
    """It is in one piece; type and tenant, which it begins with, give way."""
    task = TaskSummary(
        workflow_id=ID,
        workflow_type="harvest",
        tenant_id="my_project",
        status="completed",
        started_at=NOW,
        closed_at=NOW + timedelta(hours=1),
    )
    shown = lines(tasks_table([task], NOW + timedelta(hours=2), width=width), width)
    assert expected == shown[2:]


def test_what_there_is_to_say_of_a_schedule_stands_below_in_whole_lines() -> None:
    """On a narrow screen too, a schedule is read at a glance: type and tenant are below its id."""
    schedule = ScheduleInfo(
        schedule_id="nightly",
        tenant_id="acme",
        workflow_type="harvest",
        cron="30 3 * * MON-FRI",
        timezone="Europe/Kyiv",
        next_run_at=NOW + timedelta(days=1),
        recent_runs=(ScheduledRun(workflow_id=ID, started_at=NOW),),
        reason=REASON,
    )
    assert [
        "nightly 30 3 * * MON-FRI 2026-11-23 01:00 2026-11-22 01:00",
        "harvest, acme Europe/Kyiv UTC UTC",
        "nightly: no module announces 'harvest' now; runs wait on harvest-tasks until a",
        "worker knows it",
    ] == lines(schedules_view([schedule], width=80), 80)[2:]
    assert [
        (
            "nightly acme harvest 30 3 * * MON-FRI Europe/Kyiv 2026-11-23 01:00 UTC "
            "2026-11-22 01:00 UTC"
        ),
        f"nightly: {REASON}",
    ] == lines(schedules_view([schedule], width=200), 200)[2:]
