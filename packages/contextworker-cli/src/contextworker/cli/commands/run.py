"""`contextworker run`."""

import asyncio
from typing import Annotated, Any

from cyclopts import Parameter

from contextworker.cli.client.fields import parse_fields
from contextworker.cli.client.follow import follow
from contextworker.cli.client.programs import read_program
from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.options import Json
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.execution_view import print_execution
from contextworker.cli.output.hints import command
from contextworker.cli.output.views import progress_view
from contextworker.core.client import AsyncWorkerClient, Execution

WORKFLOW_TYPE = "execute_code"
_SOON_S = 3.0  # what takes longer is shown how it goes


async def run(
    file: Annotated[
        str | None,
        Parameter(help="A program in Python; `-`: standard input.", allow_leading_hyphen=True),
    ] = None,
    /,
    *,
    code: Annotated[
        str | None, Parameter(name=["--code", "-c"], help="The program itself.")
    ] = None,
    inputs: Annotated[
        tuple[str, ...],
        Parameter(
            name=["--input", "-i"],
            help="A variable it finds set: `name=value` is a string, `name:=json` any JSON.",
            negative=(),
            show_default=False,
        ),
    ] = (),
    seconds: Annotated[
        float | None,
        Parameter(name="--timeout", help="Seconds that it may compute, waiting for tools aside."),
    ] = None,
    tenant: Annotated[
        str | None,
        Parameter(help="In whose name; your token's one tenant, or `default`, when left out."),
    ] = None,
    no_wait: Annotated[
        bool, Parameter(negative=(), help="Print the workflow's id and leave it running.")
    ] = False,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Run a program in the sandbox, and show what it came to.

    What it writes goes to standard output and standard error, the value of its last expression
    after that. Exit code 0: it came to its end; 1: it did not. Ctrl-C leaves it running.

    `contextworker run report.py --input days:=7`

    `contextworker run -c "len(products('tent'))" --tenant my_project`
    """
    program = read_program(file, code)
    given = parse_fields(inputs)
    async with gateway.client(attempt_timeout=_SOON_S) as client:
        if no_wait:
            fields = {"code": program, "inputs": given, "timeout": seconds, "tenant_id": tenant}
            return await _leave(client, fields, json=json)
        execution = await _to_its_end(
            client, program, inputs=given or None, code_timeout=seconds, tenant_id=tenant
        )
    if json:
        print_json(execution.dump())
    else:
        print_execution(execution)
    return 1 if execution.error else 0


async def _to_its_end(client: AsyncWorkerClient, program: str, **options: Any) -> Execution:
    follow_it, cancel_it = f"tasks --type {WORKFLOW_TYPE}", "cancel ID"
    try:
        execution = await client.execute(program, wait=False, **options)
        if execution.done:
            return execution
        follow_it, cancel_it = (f"{what} {execution.workflow_id}" for what in ("watch", "cancel"))
        with progress_view(err(), execution.workflow_id) as view:
            status = await follow(
                client, execution.workflow_id, view, run_id=execution.run_id or None
            )
    except asyncio.CancelledError:
        err().print("The program goes on.")
        err().print(
            f"Follow it: {command(follow_it)}\nStop it:   {command(cancel_it)}", markup=False
        )
        raise
    return Execution.of(status)


async def _leave(client: AsyncWorkerClient, fields: dict[str, Any], *, json: bool) -> int:
    given = {name: value for name, value in fields.items() if value not in (None, {})}
    started = (await client.start(WORKFLOW_TYPE, given)).started
    if json:
        print_json(started.dump())
    else:
        out().print(f"{started.workflow_id} {started.status}", markup=False)
        err().print(f"Follow it: {command(f'watch {started.workflow_id}')}", markup=False)
    return 0
