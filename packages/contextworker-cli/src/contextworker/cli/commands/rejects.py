"""`contextworker harvest rejects …`: rows that are no product, and another try of them."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from contextworker.brain import RunStatus
from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.options import Json, Limit, Tenant
from contextworker.cli.commands.stored import open_stored, show
from contextworker.cli.commands.watch import watch_until_closed
from contextworker.cli.errors import CliError
from contextworker.cli.output.console import err
from contextworker.cli.output.hints import command
from contextworker.cli.output.tables import rejects_table
from contextworker.cli.reject_files import export_form, export_rejects
from contextworker.core.messages import DEFAULT_TENANT

app = App(name="rejects", help="Feed rows that are no product: list, export, replay.")

Supplier = Annotated[str | None, Parameter(name="--supplier", help="Only this supplier's.")]
Run = Annotated[
    str | None, Parameter(name="--run", help="Of one run; `brain runs --json` names it.")
]
Unresolved = Annotated[
    bool,
    Parameter(
        name="--unresolved", negative=(), help="Only those that no replay made a product of."
    ),
]

_RUNS_AT_ONCE = 100


@app.command(name="list")
async def list_(
    *,
    tenant: Tenant = DEFAULT_TENANT,
    supplier: Supplier = None,
    run: Run = None,
    unresolved: Unresolved = False,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List rejects with their reasons."""
    async with open_stored() as brain:
        found = await brain.list_rejects(
            tenant, run_id=run, supplier_code=supplier, unresolved=unresolved, limit=limit
        )
    show(found, rejects_table(found), json=json, none=f"No such reject is stored for {tenant!r}.")


@app.command
async def export(
    file: Annotated[
        Path, Parameter(help="Where to; .csv is a table, .jsonl an object a line. Is replaced.")
    ],
    /,
    *,
    tenant: Tenant = DEFAULT_TENANT,
    supplier: Supplier = None,
    run: Run = None,
    unresolved: Unresolved = False,
) -> None:
    """Write rejects into a file, each with its row as the feed had it."""
    form = export_form(file)
    async with open_stored() as brain:
        count = await export_rejects(
            brain, tenant, file, form, run_id=run, supplier_code=supplier, unresolved=unresolved
        )
    err().print(f"{count:,} reject{'' if count == 1 else 's'} in {file}", markup=False)


@app.command
async def replay(
    supplier: Annotated[str, Parameter(help="The supplier's code.")],
    /,
    *,
    run: Annotated[
        str | None,
        Parameter(
            name="--run", help="Whose rejects; else its latest run that has unresolved ones."
        ),
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Try rejects again, with what the supplier's file says today, and follow that until it ends.

    Exit code 0: the replay completed, even where rows are still no product; 1: it did not.
    """
    replayed = run or await _latest(tenant, supplier)
    payload = {"supplier_code": supplier, "tenant_id": tenant, "replay_run_id": replayed}
    async with gateway.client() as client:
        started = (await client.start("harvest", payload)).started
        if started.joined:
            raise CliError(
                f"A harvest of {supplier} is under way, so its rejects were not replayed.",
                [f"Try again when it is over:  {command(f'watch {started.workflow_id}')}"],
            )
        if not json:
            err().print(f"{started.workflow_id} replays {replayed}", markup=False)
        return await watch_until_closed(
            client, started.workflow_id, run_id=started.run_id or None, json=json
        )


async def _latest(tenant: str, supplier: str) -> str:
    """Return the supplier's latest run with rejects that no later run made products of.

    Raises:
        CliError: There is none.
    """
    async with open_stored() as brain:
        after = None
        while page := await brain.list_runs(
            tenant, supplier_code=supplier, limit=_RUNS_AT_ONCE, after=after
        ):
            for run in page:
                if run.status is not RunStatus.RUNNING and await brain.list_rejects(
                    tenant, run_id=run.run_id, unresolved=True, limit=1
                ):
                    return run.run_id
            after = page[-1].run_id
    raise CliError(
        f"There is nothing to replay: no run of {supplier!r} has unresolved rejects, "
        f"for the tenant {tenant!r}."
    )
