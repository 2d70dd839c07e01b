"""`contextworker gardener models`: the trained models, and which one is used."""

from typing import Annotated

from cyclopts import App, Parameter

from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.gardener.asking import given
from contextworker.cli.commands.gardener.options import Trained
from contextworker.cli.commands.gardener.train import train_to_the_end
from contextworker.cli.commands.options import CallersTenant, Json, Limit, Tenant
from contextworker.cli.commands.stored import open_stored, show
from contextworker.cli.output.console import out, print_json
from contextworker.cli.output.model_view import models_table, report_view
from contextworker.core.messages import DEFAULT_TENANT
from contextworker.gardener.training.messages import TrainReport

app = App(name="models", help="Trained models: list them, bring an earlier one back.")


@app.default
async def models(
    *,
    task: Annotated[Trained | None, Parameter(name="--task", help="Only this task's.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List trained models with their scores, each task's current one first."""
    async with open_stored() as brain:
        found = await brain.list_models(tenant, task=task, limit=limit)
    none = f"No model is trained for {tenant!r}; products are enriched without one."
    show(found, models_table(found), json=json, none=none)


@app.command
async def use(
    version: Annotated[str, Parameter(help="As `models` lists it.")],
    /,
    *,
    task: Annotated[Trained, Parameter(name="--task", help="Whose model.")] = "taxonomy",
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Bring an earlier model back; products in review of its task are looked at again."""
    payload = given(task=task, use=version, tenant_id=tenant)
    report = TrainReport.model_validate(await train_to_the_end(gateway, payload, json=json))
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        out().print(report_view(report))
    return 0
