"""`contextworker brain …`: what is stored."""

from typing import Annotated

from cyclopts import App, Parameter

from contextworker.brain import Brain, EnrichmentStatus, Product, Relation
from contextworker.cli.commands.options import Json, Limit, Tenant
from contextworker.cli.commands.stored import open_stored, show
from contextworker.cli.history import MOST_PRODUCTS, history_of
from contextworker.cli.output.console import err, out
from contextworker.cli.output.history_table import history_table
from contextworker.cli.output.tables import (
    edges_table,
    products_table,
    rejects_table,
    runs_table,
)
from contextworker.core.messages import DEFAULT_TENANT

app = App(
    name="brain", help="Look into the Brain: products, their history and relations, rejects, runs."
)

Supplier = Annotated[str | None, Parameter(name="--supplier", help="Only this supplier's.")]


@app.command
async def products(
    *,
    tenant: Tenant = DEFAULT_TENANT,
    supplier: Supplier = None,
    search: Annotated[str | None, Parameter(help="Text in SKU, name or brand.")] = None,
    status: Annotated[
        EnrichmentStatus | None, Parameter(help="Only those that stand so with the gardener.")
    ] = None,
    removed: Annotated[
        bool,
        Parameter(negative=(), help="Those too that their supplier's feed no longer has."),
    ] = False,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List products with what the gardener made of them."""
    async with open_stored() as brain:
        found = await brain.list_products(
            tenant,
            limit=limit,
            search=search,
            dealer_code=supplier,
            enrichment_status=status,
            include_removed=removed,
        )
        counts = await brain.count_products(tenant)
    show(found, products_table(found, width=out().width), json=json, none="No product matches.")
    if not json:
        by_status = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        err().print(f"{len(found):,} shown; stored for {tenant!r}: {by_status or 'none'}")


@app.command
async def history(
    sku: Annotated[str, Parameter(help="The supplier's own number of the product.")],
    /,
    *,
    tenant: Tenant = DEFAULT_TENANT,
    supplier: Supplier = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Show how price, stock and availability of a product changed, the latest first."""
    async with open_stored() as brain:
        known = await _products(brain, tenant, sku, supplier)
        entries = await brain.product_history(tenant, sku=sku, dealer_code=supplier, limit=limit)
    lines = history_of(known, entries, is_whole=len(entries) < limit)
    whose = f" of {supplier!r}" if supplier else ""
    none = f"No product {sku!r}{whose} is stored for {tenant!r}."
    show(lines, history_table(lines), json=json, none=none)


@app.command
async def edges(
    *,
    tenant: Tenant = DEFAULT_TENANT,
    product: Annotated[str | None, Parameter(help="Only of this product, by its id.")] = None,
    relation: Annotated[Relation | None, Parameter(help="Only relations of this kind.")] = None,
    target: Annotated[str | None, Parameter(help="Only to this, such as a category's id.")] = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List what products have to do with brands, categories, technologies and materials."""
    async with open_stored() as brain:
        found = await brain.list_edges(
            tenant, product_id=product, relation=relation, target=target, limit=limit
        )
    show(found, edges_table(found), json=json, none=f"No such relation is stored for {tenant!r}.")


@app.command
async def rejects(
    *,
    tenant: Tenant = DEFAULT_TENANT,
    run: Annotated[str | None, Parameter(help="Of one run; `brain runs --json` names it.")] = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List feed rows that failed validation, with the reason."""
    async with open_stored() as brain:
        found = await brain.list_rejects(tenant, run_id=run, limit=limit)
    show(found, rejects_table(found), json=json, none=f"No reject is stored for {tenant!r}.")


@app.command
async def runs(
    *,
    tenant: Tenant = DEFAULT_TENANT,
    supplier: Supplier = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List harvests, the latest first."""
    async with open_stored() as brain:
        found = await brain.list_runs(tenant, limit=limit, supplier_code=supplier)
    show(found, runs_table(found), json=json, none=f"No run is stored for {tenant!r}.")


async def _products(brain: Brain, tenant: str, sku: str, supplier: str | None) -> list[Product]:
    """Find the products with a SKU: one a supplier."""
    found: list[Product] = []
    after = None
    while page := await brain.list_products(
        tenant,
        search=sku,
        dealer_code=supplier,
        include_removed=True,
        limit=MOST_PRODUCTS,
        after=after,
    ):
        found += [item for item in page if item.sku == sku]
        after = page[-1].product_id
    return found
