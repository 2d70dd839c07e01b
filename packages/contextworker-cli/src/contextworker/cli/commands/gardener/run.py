"""`contextworker gardener run`."""

from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from contextcore import ContextUnit, UnitMetrics
from contextworker.cli.client.reaching import HERE, SERVICE, Gateway
from contextworker.cli.commands.gardener.asking import given
from contextworker.cli.commands.gardener.options import Supplier
from contextworker.cli.commands.options import CallersTenant, Json
from contextworker.cli.commands.watch import watch_until_closed
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.hints import command

WORKFLOW_TYPE = "gardener"


async def run(
    *,
    supplier: Supplier = None,
    cost_limit: Annotated[
        float | None,
        Parameter(
            name="--cost-limit",
            help="US dollars that language models may cost in this run; no limit when left out.",
            validator=Number(gt=0),
        ),
    ] = None,
    again: Annotated[
        Literal["review", "all"] | None,
        Parameter(
            help="After a change of the configuration: what is in review, or all but what people "
            "decided, is worked out again, too.",
        ),
    ] = None,
    tenant: CallersTenant = None,
    watch: Annotated[
        bool, Parameter(negative=(), alias="-w", help="Follow it until it closes, as `watch` does.")
    ] = False,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Enrich every product that waits for it.

    At the cost limit the run ends, and what still needs a language model waits for the next one.
    A second start joins the run that is under way.

    `contextworker gardener run --tenant my_project --cost-limit 0.50 --watch`
    """
    payload = given(
        workflow_type=WORKFLOW_TYPE, supplier_code=supplier, again=again, tenant_id=tenant
    )
    unit = ContextUnit(
        payload=payload,
        provenance=[f"{SERVICE}:start_workflow"],
        metrics=UnitMetrics(cost_limit_usd=cost_limit or 0.0),
    )
    async with gateway.client() as client:
        started = (await client.start(unit)).started
        line = f"{started.workflow_id} {started.status.replace('_', ' ')}"
        if started.joined and cost_limit is not None:
            err().print("A run is under way already: its own cost limit holds, not this one.")
        if started.joined and again is not None:
            err().print("A run is under way already: start this once more when it has ended.")
        if watch:
            if not json:
                err().print(line, markup=False)
            return await watch_until_closed(
                client, started.workflow_id, run_id=started.run_id or None, json=json
            )
    if json:
        print_json(started.dump())
    else:
        out().print(line, markup=False)
        err().print(f"Follow it: {command(f'watch {started.workflow_id}')}", markup=False)
    return 0
