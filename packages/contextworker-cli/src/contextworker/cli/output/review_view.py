"""Results in doubt, and what became of decisions, as a person reads them."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from contextworker.cli.output.console import spelt_out
from contextworker.cli.output.findings import finding
from contextworker.cli.output.render import pairs, state_text
from contextworker.gardener.review.messages import Action, Decided, ReviewItem, ReviewReport

_WORDS = {Action.ACCEPT: "accepted", Action.REJECT: "rejected", Action.CORRECT: "corrected"}
_NOTHING = "nothing"


def review_view(items: Sequence[ReviewItem]) -> RenderableType:
    """Return products with their results in doubt, each below what its supplier says."""
    shown: list[RenderableType] = []
    for _, results in groupby(items, key=lambda item: item.product_id):
        shown += _product(list(results))
    return Group(*shown)


def decided_line(report: ReviewReport, product: Decided) -> Text:
    """Say what became of one product."""
    if not product.decided:
        return Text.assemble(
            product.product_id, " ", ("passed over", "yellow"), f": {product.message}"
        )
    result = spelt_out(finding(report.task, product.result))
    return Text.assemble(
        product.product_id,
        " ",
        (_WORDS[report.action], "green"),
        f": {result}" if result else "",
        "; the product is ",
        state_text(product.status),
    )


def _product(results: Sequence[ReviewItem]) -> list[RenderableType]:
    first = results[0]
    title = Text.assemble(
        (first.product_id, "bold"), f"  {first.supplier_code} {first.sku}", overflow="fold"
    )
    said = {
        "name": first.name,
        "category": first.category,
        "brand": first.brand_name,
        "description": first.description,
        "url": first.url,
    }
    rows: list[tuple[str, RenderableType]] = [
        (name, Text(spelt_out(value))) for name, value in said.items() if value
    ]
    for item in results:
        found = spelt_out(finding(item.task, item.result)) or _NOTHING
        # Down: what is in doubt is not 100% sure.
        sure = f" {int(item.confidence * 100 + 1e-6)}%" if item.result else ""
        doubt = f"  {spelt_out(item.reason)}" if item.reason else ""
        rows.append((item.task, Text.assemble((found, "yellow"), (sure, "dim"), (doubt, "dim"))))
    return [title, Padding(pairs(rows), (0, 0, 1, 2), expand=False)]
