"""What the Brain holds, as tables. Cells are Text: a supplier's brackets are no markup."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from contextworker.brain import Edge, Product, RejectRecord, RunRecord
from contextworker.cli.output.findings import known, measures, variant
from contextworker.cli.output.render import state_text

_RAW_CHARS = 80
_REMOVED = Text("removed", style="red")
_ROOMY = 110  # characters that the seven columns of products need to be read with ease


def products_table(products: Sequence[Product], *, width: int, title: str | None = None) -> Table:
    """Return products with what the gardener made of them.

    Where seven columns do not fit in `width` characters, brand and attributes stand below the name.
    """
    roomy = width >= _ROOMY
    names = ["Name", "Brand", "Category", "Attributes"] if roomy else ["Name", "Category"]
    table = plain_table("SKU", *names, title=title)
    table.add_column("Price", justify="right", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    for product in products:
        said = brand(product), attributes(product)
        below = Text("\n" + ", ".join(filter(None, said)), style="dim") if any(said) else Text()
        name = Text(product.name)
        middle = (
            [name, Text(said[0]), category(product), Text(said[1])]
            if roomy
            else [Text.assemble(name, below), category(product)]
        )
        table.add_row(
            Text(product.sku),
            *middle,
            Text(price(product.price_retail, product.currency)),
            state_text(product.enrichment_status) if product.removed_at is None else _REMOVED,
        )
    return table


def rejects_table(rejects: Iterable[RejectRecord]) -> Table:
    """Return rows that failed validation."""
    table = plain_table("Source", "Row", "Why", "What it says")
    for reject in rejects:
        raw = ", ".join(f"{key}={value}" for key, value in reject.raw.items())
        table.add_row(
            Text(reject.source.rstrip("/").rpartition("/")[2]),
            Text(str(reject.row_number)),
            Text(reject.reason),
            Text(raw if len(raw) <= _RAW_CHARS else raw[: _RAW_CHARS - 1] + "…"),
        )
    return table


def edges_table(edges: Iterable[Edge]) -> Table:
    """Return relations of products."""
    table = plain_table("Product", "Relation", "Target", "Name")
    table.add_column("Sure", justify="right")
    for edge in edges:
        table.add_row(
            Text(edge.product_id),
            Text(edge.relation.value),
            Text(edge.target),
            Text(edge.name),
            Text(f"{edge.confidence:.0%}", style="dim"),
        )
    return table


def runs_table(runs: Iterable[RunRecord]) -> Table:
    """Return harvests with their counts."""
    table = plain_table("Started", "Supplier", "Status")
    for name in ("Inserted", "Updated", "Unchanged", "Removed", "Rejected"):
        table.add_column(name, justify="right")
    table.add_column("Workflow", overflow="fold")
    for run in runs:
        table.add_row(
            Text(f"{run.started_at:%Y-%m-%d %H:%M:%S}"),
            Text(run.supplier_code),
            state_text(run.status),
            *(Text(f"{count:,}") for count in _counts(run)),
            Text(run.workflow_id + (f"\n{run.error}" if run.error else "")),
        )
    return table


def _counts(run: RunRecord) -> tuple[int, ...]:
    return run.inserted, run.updated, run.unchanged, run.removed, run.rejected


def brand(product: Product) -> str:
    """Return the brand the gardener found, else the supplier's."""
    return str(_result(product, "ner").get("brand") or product.brand_name or "")


def category(product: Product) -> Text:
    """Return the gardener's category with its confidence, else the supplier's."""
    found = _result(product, "taxonomy")
    name = found.get("name")
    if not name:
        return Text(product.category or "", style="dim")
    confidence = _task(product, "taxonomy").get("confidence")
    sure = f" {confidence:.0%}" if isinstance(confidence, int | float) else ""
    return Text.assemble(str(name), (sure, "dim"))


def attributes(product: Product) -> str:
    """Return measures, variant and technologies in one line, such as `weight 2.1 kg, size L`."""
    said = (
        measures(_result(product, "params")),
        variant(_result(product, "ner")),
        known(_result(product, "tech")),
    )
    return ", ".join(filter(None, said))


def price(amount: Decimal | None, currency: str | None) -> str:
    """Return a price as a shop writes it."""
    return "" if amount is None else f"{amount:,.2f} {currency or ''}".rstrip()


def _task(product: Product, name: str) -> Mapping[str, Any]:
    task = product.enrichment.get(name)
    return task if isinstance(task, Mapping) else {}


def _result(product: Product, name: str) -> Mapping[str, Any]:
    result = _task(product, name).get("result")
    return result if isinstance(result, Mapping) else {}


def plain_table(*columns: str, title: str | None = None) -> Table:
    """Return a table of these columns, without lines between its rows."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
