"""`contextworker status`."""

from contextworker.cli.address import gateway_address
from contextworker.cli.client.gateway import GatewayClient
from contextworker.cli.commands.options import Address, Json, WorkflowId
from contextworker.cli.output.console import out, print_json
from contextworker.cli.output.render import status_view


async def status(workflow_id: WorkflowId, /, *, json: Json = False, address: Address = None) -> int:
    """Show how a workflow stands: progress, result, or why it failed."""
    async with GatewayClient(gateway_address(address)) as client:
        found = await client.status(workflow_id)
    if json:
        print_json(found.dump())
    else:
        out().print(status_view(found))
    return 0
