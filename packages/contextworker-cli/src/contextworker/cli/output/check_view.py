"""What a look at a feed has found, as tables and as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contextworker.cli.output.hints import command
from contextworker.cli.output.tables import plain_table, price, rejects_table

if TYPE_CHECKING:
    from contextworker.harvest.checking import ColumnReport, SourceReport

_VALUE_CHARS = 40
_NOT_SHOWN = {"content_hash", "dealer_name"}


def check_view(report: "SourceReport", *, supplier_code: str) -> RenderableType:
    """Return everything about one source but the guess itself, which must not be wrapped."""
    parts: list[RenderableType] = [Text(report.source, style="bold")]
    if report.format:
        parts.append(Text(_written(report), style="dim"))
    parts += [Text(warning, style="yellow") for warning in report.warnings]
    parts += [Text(wrong, style="red") for wrong in (report.problem, report.drift) if wrong]
    if report.columns:
        parts.append(_columns_table(report.columns))
    if report.is_guessed and report.products:
        parts.append(Text("What the mapping below would make of it:", style="dim"))
    if report.products:
        parts.append(_products_table(report.products))
    if report.rejects:
        parts.append(rejects_table(report.rejects))
    if report.product_count or report.reject_counts or report.filtered:
        parts.append(Text(_counts(report)))
    if report.guess:
        parts.append(
            Text(
                f"A guess to begin with. Put it into {supplier_code}.toml, look it through, and "
                f"check again: {command(f'harvest check {supplier_code}')}"
            )
        )
    return Group(*parts)


def dumped(report: "SourceReport") -> dict[str, Any]:
    """Return the same for programs."""
    return {
        **asdict(report),
        "products": [_plain(product) for product in report.products],
        "rejects": [reject.model_dump(mode="json") for reject in report.rejects],
    }


def _written(report: "SourceReport") -> str:
    delimiter = {None: "", "\t": "tabs"}.get(report.delimiter, f"delimiter {report.delimiter!r}")
    rows = f"{report.rows:,} row{'' if report.rows == 1 else 's'}"
    looked = f"all {rows}" if report.is_whole else f"the first {rows} looked at"
    facts = (report.format, report.encoding, delimiter, f"{report.size:,} bytes", looked)
    return ", ".join(filter(None, facts))


def _columns_table(columns: Sequence["ColumnReport"]) -> Table:
    table = plain_table("Column", "Holds", "Becomes", "Such as")
    for item in columns:
        becomes = Text(", ".join(item.fields)) if item.fields else Text("nothing", style="dim")
        table.add_row(
            Text(item.column), Text(item.kind), becomes, Text(", ".join(map(_short, item.values)))
        )
    return table


def _products_table(products: Sequence[Mapping[str, Any]]) -> Table:
    """Return products with those of their fields that any of them has."""
    filled = [
        name
        for name in products[0]
        if name not in _NOT_SHOWN and any(_shown(name, item) for item in products)
    ]
    filled = [name for name in filled if name != "currency" or "price_retail" not in filled]
    table = plain_table(*filled)
    for item in products:
        table.add_row(*(Text(_short(_shown(name, item))) for name in filled))
    return table


def _shown(name: str, product: Mapping[str, Any]) -> str:
    value = product[name]
    if value is None or (name == "params" and value == "{}"):
        return ""
    if name == "status" and value == "active":
        return ""
    if name == "price_retail":
        return price(Decimal(value), product["currency"])
    if name == "params":
        return ", ".join(f"{key} {item}" for key, item in json.loads(value).items())
    return str(value)


def _counts(report: "SourceReport") -> str:
    def some(count: int, what: str) -> Iterable[str]:
        return [f"{count:,} {what}{'' if count == 1 else 's'}"] if count else []

    rejected = sum(report.reject_counts.values())
    reasons = ", ".join(
        f"{count:,} {code.replace('_', ' ')}" for code, count in report.reject_counts.items()
    )
    return ", ".join(
        [
            *(some(report.product_count, "product") or ["no product"]),
            *(f"{text} ({reasons})" for text in some(rejected, "reject")),
            *([f"{report.filtered:,} left out"] if report.filtered else []),
        ]
    )


def _plain(product: Mapping[str, Any]) -> dict[str, Any]:
    return {**product, "params": json.loads(product["params"])}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _VALUE_CHARS else line[: _VALUE_CHARS - 1] + "…"
