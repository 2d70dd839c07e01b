"""`contextworker start`."""

from typing import Annotated, Any

from cyclopts import Parameter

from contextworker.cli.client.fields import parse_fields
from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.options import Json
from contextworker.cli.commands.watch import watch_until_closed
from contextworker.cli.errors import UsageError
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.hints import command


async def start(
    workflow_type: Annotated[
        str, Parameter(help="What to run; `contextworker modules` lists what there is.")
    ],
    /,
    *fields: Annotated[
        str, Parameter(help="`key=value` is a string, `key:=json` any JSON.", show_default=False)
    ],
    watch: Annotated[
        bool, Parameter(negative=(), alias="-w", help="Follow it until it closes, as `watch` does.")
    ] = False,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Start a workflow.

    Fields are written as HTTPie has them: `key=value` sends a string, `key:=json` a number, true,
    false, null, a list or an object.

    `contextworker start harvest supplier_code=camping-trade tenant_id=my_project --watch`

    `contextworker start gardener tenant_id=my_project max_batches:=5`
    """
    payload: dict[str, Any] = parse_fields(fields)
    if "workflow_type" in payload:
        raise UsageError("workflow_type is the first argument, not a field.")
    async with gateway.client() as client:
        started = (await client.start(workflow_type, payload)).started
        if watch:
            if not json:
                err().print(_line(started.workflow_id, started.status), markup=False)
            return await watch_until_closed(
                client, started.workflow_id, run_id=started.run_id or None, json=json
            )
    if json:
        print_json(started.dump())
    else:
        out().print(_line(started.workflow_id, started.status), markup=False)
        err().print(f"Follow it: {command(f'watch {started.workflow_id}')}", markup=False)
    return 0


def _line(workflow_id: str, status: str) -> str:
    return f"{workflow_id} {status.replace('_', ' ')}"
