"""`contextworker watch`."""

from contextworker.cli.client.follow import follow
from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.options import Json, WorkflowId
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.render import status_view
from contextworker.cli.output.views import progress_view
from contextworker.core.client import AsyncWorkerClient


async def watch(workflow_id: WorkflowId, /, *, json: Json = False, gateway: Gateway = HERE) -> int:
    """Follow a workflow until it closes. Exit code 0: it completed; 1: it did not."""
    async with gateway.client() as client:
        return await watch_until_closed(client, workflow_id, json=json)


async def watch_until_closed(
    client: AsyncWorkerClient, workflow_id: str, *, run_id: str | None = None, json: bool
) -> int:
    """Follow a workflow, print how it ended, and return the exit code for that."""
    with progress_view(err(), workflow_id) as view:
        status = await follow(client, workflow_id, view, run_id=run_id)
    if json:
        print_json(status.dump())
    else:
        out().print(status_view(status))
    return 0 if status.completed else 1
