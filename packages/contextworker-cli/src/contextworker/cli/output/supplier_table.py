"""Suppliers as a table."""

from collections.abc import Iterable
from typing import Self

from pydantic import BaseModel, ConfigDict
from rich.table import Table
from rich.text import Text

from contextworker.brain import RunRecord
from contextworker.cli.output.render import state_text
from contextworker.cli.output.tables import plain_table
from contextworker.harvest.messages import Retries, Retry
from contextworker.harvest.suppliers import Source, Supplier


class SourceLine(BaseModel):
    """One of a supplier's sources."""

    model_config = ConfigDict(frozen=True)

    url: str
    format: str | None
    mode: str

    @classmethod
    def of(cls, source: Source) -> Self:
        """Describe a source, without what may be secret in its address."""
        return cls(url=source.public_url, format=source.format, mode=source.mode)


class SupplierLine(BaseModel):
    """A supplier's file in short, or what is wrong with it, and its last harvest."""

    model_config = ConfigDict(frozen=True)

    code: str
    error: str | None = None
    name: str | None = None
    currency: str | None = None
    sources: tuple[SourceLine, ...] = ()
    retry: Retries | None = None
    max_removed_fraction: float | None = None
    last_run: RunRecord | None = None

    @classmethod
    def of(cls, supplier: Supplier, last_run: RunRecord | None) -> Self:
        """Describe a supplier."""
        return cls(
            code=supplier.code,
            name=supplier.name,
            currency=supplier.currency,
            sources=tuple(map(SourceLine.of, supplier.sources)),
            retry=supplier.retry.steps,
            max_removed_fraction=supplier.max_removed_fraction,
            last_run=last_run,
        )


def supplier_table(lines: Iterable[SupplierLine]) -> Table:
    """Return suppliers, one a row; a file that is wrong shows why."""
    table = plain_table("Code", "Name", "Feeds", "Fetching is tried", "Last harvest")
    for line in lines:
        retry = line.retry.fetch if line.retry else None
        table.add_row(
            Text(line.code, style="bold"),
            Text(line.name or ""),
            Text(line.error, style="red") if line.error else _feeds(line.sources),
            Text(_patience(retry) if retry else ""),
            _last(line.last_run),
        )
    return table


def _feeds(sources: Iterable[SourceLine]) -> Text:
    lines = []
    for source in sources:
        kind = ", ".join(filter(None, (source.format, "partial" * (source.mode == "partial"))))
        lines.append(Text.assemble(source.url, (f" ({kind})" if kind else "", "dim")))
    return Text("\n").join(lines)


def _patience(retry: Retry) -> str:
    if retry.maximum_attempts == 1:
        return "once"
    first, longest = retry.initial_interval_s, retry.maximum_interval_s
    return f"{retry.maximum_attempts} times, {min(first, longest):g} to {longest:g} s apart"


def _last(run: RunRecord | None) -> Text:
    if run is None:
        return Text("")
    at = Text(f" {run.started_at:%Y-%m-%d %H:%M}", style="dim")
    why = Text(f"\n{run.error}") if run.error else Text("")
    return Text.assemble(state_text(run.status), at, why)
