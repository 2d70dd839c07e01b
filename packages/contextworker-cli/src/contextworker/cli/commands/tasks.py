"""`contextworker tasks`."""

from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import Parameter

from contextworker.cli.client.moments import parse_moment
from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.options import CallersTenant, Json, Limit
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.task_tables import tasks_table
from contextworker.core.client import TaskSummary

_PAGE = 200

Status = Literal["running", "completed", "failed", "cancelled", "terminated", "timed_out"]


async def tasks(
    *,
    workflow_type: Annotated[
        str | None, Parameter(name="--type", help="Only those of one workflow type.")
    ] = None,
    status: Annotated[Status | None, Parameter(help="Only those that stand so.")] = None,
    since: Annotated[
        str | None,
        Parameter(help="Started since: `2h` or `3d` ago, or a time such as 2026-11-22T08:00."),
    ] = None,
    until: Annotated[str | None, Parameter(help="Started before that.")] = None,
    tenant: CallersTenant = None,
    limit: Limit = 20,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """List workflows, open ones first, then by when they ended."""
    now = datetime.now(UTC)
    found: list[TaskSummary] = []
    async with gateway.client() as client:
        listed = client.tasks(
            workflow_type=workflow_type,
            status=status,
            started_after=parse_moment("--since", since, now) if since else None,
            started_before=parse_moment("--until", until, now) if until else None,
            tenant_id=tenant,
            page_size=min(limit, _PAGE),
        )
        async with aclosing(listed):
            async for task in listed:
                found.append(task)
                if len(found) == limit:
                    break
    if json:
        print_json([task.dump() for task in found])
    elif found:
        out().print(tasks_table(found, now, width=out().width))
        if len(found) == limit:
            err().print(f"There may be more: --limit is {limit}.")
    else:
        err().print("No workflow matches.")
    return 0
