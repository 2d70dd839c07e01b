"""`contextworker schedules …`: runs that a cron starts."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import App, Parameter

from contextworker.cli.client.moments import parse_moment
from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.client.schedule_files import read_schedules
from contextworker.cli.commands.options import CallersTenant, Json
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.hints import command
from contextworker.cli.output.task_tables import schedules_view

_REGISTER_TIMEOUT_S = 60.0

app = App(name="schedules", help="Start workflows by a cron: register, list, pause, backfill.")

ScheduleId = Annotated[str, Parameter(help="As `schedules list` shows it.")]
Note = Annotated[str | None, Parameter(help="Why; `schedules list` shows it.")]
Overlap = Annotated[
    Literal["skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"]
    | None,
    Parameter(help="What to do while an earlier run is open."),
]


@app.command
async def register(
    file: Annotated[
        str,
        Parameter(
            help="TOML with [[schedules]]; or `-` for the same as JSON from stdin.",
            allow_leading_hyphen=True,
        ),
    ],
    /,
    *,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Make the schedules of a file, or change those that exist; again, it changes nothing.

    A schedule that is not in the file is left as it is.
    """
    given = read_schedules(file)
    async with gateway.client() as client:
        registered = await client.schedules.register(
            given.schedules, tenant_id=tenant or given.tenant_id, timeout=_REGISTER_TIMEOUT_S
        )
    if json:
        print_json(registered.dump())
    else:
        out().print(
            f"{registered.registered_count} registered: {registered.created} new, "
            f"{registered.updated} changed, {registered.unchanged} as before"
        )
    return 0


@app.command(name="list")
async def list_(
    *, tenant: CallersTenant = None, json: Json = False, gateway: Gateway = HERE
) -> int:
    """List schedules with their next and their last run."""
    async with gateway.client() as client:
        found = [schedule async for schedule in client.schedules.list(tenant_id=tenant)]
    if json:
        print_json([schedule.dump() for schedule in found])
    elif found:
        out().print(schedules_view(found, width=out().width))
    else:
        err().print("There is no schedule.")
    return 0


@app.command
async def pause(
    schedule_id: ScheduleId,
    /,
    *,
    note: Note = None,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Start nothing more until it is resumed; runs under way go on."""
    async with gateway.client() as client:
        changed = await client.schedules.pause(schedule_id, note=note, tenant_id=tenant)
    if json:
        print_json(changed.dump())
    else:
        out().print(f"{schedule_id} is paused", markup=False)
    return 0


@app.command
async def resume(
    schedule_id: ScheduleId,
    /,
    *,
    note: Note = None,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Start runs again; those of the pause are not caught up on: see `backfill`."""
    async with gateway.client() as client:
        changed = await client.schedules.resume(schedule_id, note=note, tenant_id=tenant)
    if json:
        print_json(changed.dump())
    else:
        out().print(f"{schedule_id} goes on", markup=False)
    return 0


@app.command
async def trigger(
    schedule_id: ScheduleId,
    /,
    *,
    overlap: Overlap = None,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Start a run now, besides those of the cron."""
    async with gateway.client() as client:
        triggered = await client.schedules.trigger(schedule_id, overlap=overlap, tenant_id=tenant)
    if json:
        print_json(triggered.dump())
    elif triggered.workflow_id:
        out().print(f"{triggered.workflow_id} started", markup=False)
        follow = command(f"watch {triggered.workflow_id}")
        err().print(f"Follow it: {follow}", markup=False)
    else:
        out().print(f"{schedule_id}: {triggered.reason or 'triggered'}", markup=False)
    return 0


@app.command
async def backfill(
    schedule_id: ScheduleId,
    since: Annotated[str, Parameter(help="`3d` ago, or a time such as 2026-11-22T08:00.")],
    until: Annotated[str | None, Parameter(help="The end, in the same way. Default: now.")] = None,
    /,
    *,
    overlap: Overlap = None,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Start the runs that the cron would have started in a span of the past."""
    now = datetime.now(UTC)
    start_at = parse_moment("SINCE", since, now)
    end_at = parse_moment("UNTIL", until, now) if until else now
    async with gateway.client() as client:
        done = await client.schedules.backfill(
            schedule_id, start_at, end_at, overlap=overlap, tenant_id=tenant
        )
    if json:
        print_json(done.dump())
    else:
        runs = "1 time" if done.runs == 1 else f"{done.runs} times"
        out().print(f"{schedule_id}: {runs} of the cron backfilled", markup=False)
    return 0


@app.command
async def delete(
    schedule_id: ScheduleId,
    /,
    *,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Delete a schedule; runs that it started go on."""
    async with gateway.client() as client:
        deleted = await client.schedules.delete(schedule_id, tenant_id=tenant)
    if json:
        print_json(deleted.dump())
    else:
        out().print(f"{schedule_id} is deleted", markup=False)
    return 0
