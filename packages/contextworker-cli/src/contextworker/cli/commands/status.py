"""`contextworker status`."""

from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.options import Json, WorkflowId
from contextworker.cli.output.console import out, print_json
from contextworker.cli.output.render import status_view


async def status(workflow_id: WorkflowId, /, *, json: Json = False, gateway: Gateway = HERE) -> int:
    """Show how a workflow stands: progress, result, or why it failed."""
    async with gateway.client() as client:
        found = await client.status(workflow_id)
    if json:
        print_json(found.dump())
    else:
        out().print(status_view(found))
    return 0
