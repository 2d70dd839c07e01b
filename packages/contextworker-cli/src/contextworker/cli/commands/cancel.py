"""`contextworker cancel`."""

from typing import Annotated

from cyclopts import Parameter

from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.options import Json, WorkflowId
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.hints import command


async def cancel(
    workflow_id: WorkflowId,
    /,
    *,
    reason: Annotated[
        str | None, Parameter(help="Why; Temporal's UI shows it beside the request.")
    ] = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Ask a workflow to stop; it ends once it has tidied up. One that has ended is left alone."""
    async with gateway.client() as client:
        cancelled = await client.cancel(workflow_id, reason=reason)
    if json:
        print_json(cancelled.dump())
        return 0
    out().print(f"{cancelled.workflow_id} {cancelled.status.replace('_', ' ')}", markup=False)
    if cancelled.status == "cancelling":
        err().print(f"Follow it: {command(f'watch {workflow_id}')}", markup=False)
    return 0
