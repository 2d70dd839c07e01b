"""`contextworker gardener train`."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from contextworker.cli.address import store_url
from contextworker.cli.client.follow import follow
from contextworker.cli.client.reaching import HERE, Gateway
from contextworker.cli.commands.gardener.asking import given, result_or_raise
from contextworker.cli.commands.gardener.options import Trained
from contextworker.cli.commands.options import CallersTenant, Json
from contextworker.cli.errors import CliError, UsageError
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.hints import command
from contextworker.cli.output.model_view import report_view
from contextworker.cli.output.views import progress_view
from contextworker.core.client import ClientSettings
from contextworker.core.messages import DEFAULT_TENANT, ObjectRef
from contextworker.gardener.training.messages import TrainReport

WORKFLOW_TYPE = "gardener_train"


async def train(
    *,
    task: Annotated[Trained, Parameter(name="--task", help="Whose model.")] = "taxonomy",
    examples: Annotated[
        Path | None,
        Parameter(
            name="--examples",
            help="A JSON Lines file of further examples: the product's fields, and `label`.",
        ),
    ] = None,
    force: Annotated[
        bool, Parameter(negative=(), help="Use the new model even where it scores worse.")
    ] = False,
    tenant: CallersTenant = None,
    json: Json = False,
    gateway: Gateway = HERE,
) -> int:
    """Train a task's model on what people decided, and use it if it is no worse.

    Examples are what was accepted or corrected, the file that the gardener's configuration names,
    and FILE. Scores are by cross-validation: of products that the model has not seen. Exit code 0:
    the new model is used; 1: it scores worse, and the one before stays.

    `contextworker gardener train --task taxonomy --examples labels.jsonl --tenant my_project`
    """
    if examples is not None and tenant is None:
        if ClientSettings().bearer:
            raise UsageError(f"Say --tenant, too: {examples} is put under the tenant's name.")
        tenant = DEFAULT_TENANT
    reference = await _put(examples, str(tenant)) if examples else None
    payload = given(
        task=task,
        force=force,
        tenant_id=tenant,
        examples=reference.model_dump() if reference else None,
    )
    report = TrainReport.model_validate(await train_to_the_end(gateway, payload, json=json))
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        out().print(report_view(report))
    return 0 if report.replaced else 1


async def train_to_the_end(gateway: Gateway, payload: dict[str, Any], *, json: bool) -> Any:
    """Start a training, show how it goes, and return what it came to.

    Raises:
        CliError: It failed, or another one is under way.
    """
    async with gateway.client() as client:
        started = (await client.start(WORKFLOW_TYPE, payload)).started
        if started.joined:
            raise CliError(
                "Another training is under way, so this one was not started.",
                [f"Follow that one:  {command(f'watch {started.workflow_id}')}"],
            )
        if not json:
            err().print(f"{started.workflow_id} {started.status}", markup=False)
        with progress_view(err(), started.workflow_id) as view:
            status = await follow(client, started.workflow_id, view, run_id=started.run_id or None)
    return result_or_raise(status)


async def _put(file: Path, tenant: str) -> ObjectRef:
    """Put the file where the gardener's workers find it."""
    # Only this command needs the object store's drivers.
    from contextworker.core.objects import ObjectStore  # noqa: PLC0415
    from contextworker.gardener.training.places import examples_prefix  # noqa: PLC0415

    if not await asyncio.to_thread(_size, file):
        raise UsageError(f"{file} is empty: there is no example in it.")
    store = ObjectStore.from_url(store_url())
    return await store.put_file(file, prefix=examples_prefix(tenant))


def _size(file: Path) -> int:
    try:
        with file.open("rb") as opened:
            return opened.seek(0, os.SEEK_END)
    except OSError as error:
        raise CliError(f"{file} cannot be read: {error.strerror}.") from error
