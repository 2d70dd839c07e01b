"""`contextworker deploy …`: which version of a module new runs start on."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number
from temporalio.client import Client

from contextworker.cli.commands.options import Json
from contextworker.cli.deployments import deciding
from contextworker.cli.deployments.finding import all_deployments, find_deployment
from contextworker.cli.deployments.models import Change
from contextworker.cli.deployments.reaching import reach_temporal
from contextworker.cli.deployments.views import change_view, deployments_view, dump
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.settings import read_settings

app = App(
    name="deploy",
    help="See which versions of a module there are, and which of them new runs start on.",
)

Module = Annotated[str, Parameter(help="The module's name.")]
BuildId = Annotated[str | None, Parameter(help="The version. Default: the newest.")]
Force = Annotated[
    bool,
    Parameter(
        name="--force",
        negative=(),
        help="Also where it has no live worker, so that runs wait, or leaves a task queue.",
    ),
]


@app.command
async def status(
    module: Annotated[str | None, Parameter(help="The module. Default: every one.")] = None,
    /,
    *,
    json: Json = False,
) -> None:
    """Show a module's versions, their workers and open runs, and which may be stopped."""
    async with _temporal() as client:
        found = [await find_deployment(client, module)] if module else await all_deployments(client)
    if json:
        print_json([dump(deployment) for deployment in found])
    elif found:
        out().print(deployments_view(found))
    else:
        err().print("No module has a version here: has a worker started?", markup=False)


@app.command
async def promote(
    module: Module,
    version: BuildId = None,
    /,
    *,
    force: Force = False,
    json: Json = False,
) -> None:
    """Start every new run on a version; open runs finish on theirs."""
    async with _temporal() as client:
        deployment = await find_deployment(client, module)
        change = await deciding.promote(client, deployment, version, force=force)
    _show(change, json=json)


@app.command
async def ramp(
    module: Module,
    version: BuildId = None,
    /,
    *,
    percentage: Annotated[
        float,
        Parameter(help="Of new runs; 0 ends the ramp.", validator=Number(gte=0, lte=100)),
    ],
    force: Force = False,
    json: Json = False,
) -> None:
    """Start some of the new runs on a version, the others on the current one."""
    async with _temporal() as client:
        deployment = await find_deployment(client, module)
        change = await deciding.ramp(client, deployment, version, percentage, force=force)
    _show(change, json=json)


@app.command
async def rollback(module: Module, /, *, force: Force = False, json: Json = False) -> None:
    """End a ramp; without one, start new runs on the version that was current before."""
    async with _temporal() as client:
        deployment = await find_deployment(client, module)
        change = await deciding.rollback(client, deployment, force=force)
    _show(change, json=json)


@asynccontextmanager
async def _temporal() -> AsyncIterator[Client]:
    async with reach_temporal(os.environ, read_settings().state_dir) as client:
        yield client


def _show(change: Change, *, json: bool) -> None:
    if json:
        print_json(change.dump())
    else:
        out().print(change_view(change))
