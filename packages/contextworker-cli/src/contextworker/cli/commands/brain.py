"""`contextworker brain …`: what is stored."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from cyclopts import App, Parameter
from pydantic import BaseModel
from rich.table import Table

from contextworker.brain import Brain, EnrichmentStatus, open_brain
from contextworker.cli.address import brain_url
from contextworker.cli.commands.options import Json, Limit, Tenant
from contextworker.cli.output.console import err, out, print_json
from contextworker.cli.output.tables import products_table, rejects_table, runs_table
from contextworker.core.messages import DEFAULT_TENANT

app = App(name="brain", help="Look into the Brain: products, rejects, runs.")


@app.command
async def products(
    *,
    tenant: Tenant = DEFAULT_TENANT,
    search: Annotated[str | None, Parameter(help="Text in SKU, name or brand.")] = None,
    status: Annotated[
        EnrichmentStatus | None, Parameter(help="Only those that stand so with the gardener.")
    ] = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List products with what the gardener made of them."""
    async with _brain() as brain:
        found = await brain.list_products(
            tenant, limit=limit, search=search, enrichment_status=status
        )
        counts = await brain.count_products(tenant)
    _show(found, products_table(found, width=out().width), json=json, none="No product matches.")
    if not json:
        by_status = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        err().print(f"{len(found):,} shown; stored for {tenant!r}: {by_status or 'none'}")


@app.command
async def rejects(
    *,
    tenant: Tenant = DEFAULT_TENANT,
    run: Annotated[str | None, Parameter(help="Of one run; `brain runs --json` names it.")] = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List feed rows that failed validation, with the reason."""
    async with _brain() as brain:
        found = await brain.list_rejects(tenant, run_id=run, limit=limit)
    _show(found, rejects_table(found), json=json, none=f"No reject is stored for {tenant!r}.")


@app.command
async def runs(*, tenant: Tenant = DEFAULT_TENANT, limit: Limit = 20, json: Json = False) -> None:
    """List harvests, the latest first."""
    async with _brain() as brain:
        found = await brain.list_runs(tenant, limit=limit)
    _show(found, runs_table(found), json=json, none=f"No run is stored for {tenant!r}.")


@asynccontextmanager
async def _brain() -> AsyncIterator[Brain]:
    async with open_brain(brain_url()) as brain:
        yield brain


def _show(found: Sequence[BaseModel], table: Table, *, json: bool, none: str) -> None:
    if json:
        rows: list[dict[str, Any]] = [item.model_dump(mode="json") for item in found]
        print_json(rows)
    elif found:
        out().print(table)
    else:
        err().print(none, markup=False)
