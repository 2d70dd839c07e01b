"""How a product changed, as a table."""

from collections.abc import Sequence
from decimal import Decimal

from rich.table import Table
from rich.text import Text

from contextworker.brain import HistoryField
from contextworker.cli.history import HistoryLine
from contextworker.cli.output.tables import plain_table, price

_NAMES = {
    HistoryField.PRICE: "price",
    HistoryField.QUANTITY: "stock",
    HistoryField.AVAILABILITY: "availability",
    HistoryField.LISTED: "in the feed",
}
_LISTED = {"true": "yes", "false": "no"}


def history_table(lines: Sequence[HistoryLine]) -> Table:
    """Return changes; the supplier has a column where there are several."""
    several = len({line.dealer_code for line in lines}) > 1
    table = plain_table("When", *(["Supplier"] if several else []), "What", "Change", "Run")
    for line in lines:
        new = _value(line, line.new)
        change = (
            Text.assemble(("first seen: ", "dim"), new)
            if line.is_first
            else Text(f"{_value(line, line.old)} → {new}")
        )
        table.add_row(
            Text(f"{line.changed_at:%Y-%m-%d %H:%M:%S}"),
            *([Text(line.dealer_code)] if several else []),
            Text(_NAMES[line.field]),
            change,
            Text(line.run_id or ""),
        )
    return table


def _value(line: HistoryLine, value: str | None) -> str:
    if value is None:
        return "none"
    if line.field is HistoryField.PRICE:
        return price(Decimal(value), line.currency)
    if line.field is HistoryField.LISTED:
        return _LISTED.get(value, value)
    return value.replace("_", " ")
