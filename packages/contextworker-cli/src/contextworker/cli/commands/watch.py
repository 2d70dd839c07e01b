"""`contextworker watch`."""

from contextworker.cli.address import gateway_address
from contextworker.cli.client.follow import follow
from contextworker.cli.client.gateway import GatewayClient
from contextworker.cli.commands.options import Address, Json, WorkflowId
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.render import status_view
from contextworker.cli.output.views import progress_view


async def watch(workflow_id: WorkflowId, /, *, json: Json = False, address: Address = None) -> int:
    """Follow a workflow until it closes. Exit code 0: it completed; 1: it did not."""
    async with GatewayClient(gateway_address(address)) as client:
        return await watch_until_closed(client, workflow_id, json=json)


async def watch_until_closed(client: GatewayClient, workflow_id: str, *, json: bool) -> int:
    """Follow a workflow, print how it ended, and return the exit code for that."""
    with progress_view(err(), workflow_id) as view:
        status = await follow(client, workflow_id, view)
    if json:
        print_json(status.dump())
    else:
        out().print(status_view(status))
    return 0 if status.status == "completed" else 1
