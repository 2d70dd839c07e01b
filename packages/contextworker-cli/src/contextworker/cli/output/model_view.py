"""Trained models and what training came to, as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contextworker.brain import ModelRecord
from contextworker.cli.output.render import pairs
from contextworker.cli.output.tables import plain_table
from contextworker.gardener.training.comparing import RIGHT
from contextworker.gardener.training.messages import TrainReport


def models_table(models: Sequence[ModelRecord]) -> Table:
    """Return models with their scores; each task's first one is the current one."""
    table = plain_table("Task", "Version", "Used", "Trained", "By")
    table.add_column("Examples", justify="right")
    table.add_column("Scores", overflow="fold")
    seen: set[str] = set()
    for model in models:
        used = model.task not in seen
        seen.add(model.task)
        table.add_row(
            Text(model.task),
            Text(model.version),
            Text("current", style="green") if used else Text(""),
            Text(f"{model.trained_at:%Y-%m-%d %H:%M}"),
            Text(model.trained_by),
            Text(f"{model.examples:,}"),
            Text(", ".join(f"{name} {value}" for name, value in _figures(model.scores))),
        )
    return table


def report_view(report: TrainReport) -> RenderableType:
    """Return what a training came to: the scores side by side, and which model is used."""
    before = dict(_figures(report.before or {}))
    figures = _figures(report.scores)
    table = plain_table("Score")
    table.add_column("New" if before else "", justify="right")
    if before:
        table.add_column("Current", justify="right")
    for name, value in figures:
        row = [name, value, before.get(name, "")]
        table.add_row(*(Text(cell) for cell in (row if before else row[:2])))
    rows: list[tuple[str, RenderableType]] = [
        ("model", Text(f"{report.task} {report.version}")),
        ("examples", Text(f"{report.examples:,}")),
        ("used", Text("yes", style="green") if report.replaced else Text("no", style="yellow")),
        ("why", Text(report.reason)),
    ]
    if report.reopened:
        rows.append(("looked at again", Text(f"{report.reopened:,} products in review")))
    return Group(*([table] if figures else []), pairs(rows))


def _figures(scores: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return every number of nested scores by its name."""
    found: list[tuple[str, str]] = []
    # The wire does not keep an order of keys: what two models are compared by comes first.
    for name, value in sorted(scores.items(), key=lambda item: (item[0] != RIGHT, item[0])):
        label = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            found += _figures(value, f"{label} ")
        elif isinstance(value, list):
            found += _figures({str(n + 1): item for n, item in enumerate(value)}, f"{label} ")
        elif isinstance(value, bool) or value is None:
            continue
        elif isinstance(value, int | float) and 0 <= value <= 1:
            found.append((label, f"{value:.1%}"))
        elif isinstance(value, int | float):
            found.append((label, f"{value:,.6g}"))
    return found
