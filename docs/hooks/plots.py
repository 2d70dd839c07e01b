"""The page of plots: bars of the figures that benchmarks/RESULTS.md holds, drawn as SVG."""

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "benchmarks" / "RESULTS.md"
_HEAD = """# Measured, in pictures

The figures of [what was measured](measured.md), where each has its method, its goal and the
machine. A line shows the least and the most of all rounds. Absolute times are that machine's, two
cores shared by everything at once: compare the bars, not the seconds.
"""
_NUMBER = re.compile(r"([\d,]+(?:\.\d+)?)(?: %)?(?: \(([\d,.]+)-([\d,.]+)\))?")
_WIDTH, _LABEL, _ROW, _BAR = 540, 208, 28, 16


@dataclass(frozen=True)
class Plot:
    """One column of one table: the table is known by what stands in its first header cell."""

    title: str
    table: str
    column: str
    says: str


PLOTS = (
    Plot(
        "A million rows into PostgreSQL",
        "1,000,000 rows, CSV",
        "seconds (min-max)",
        "Seconds; less is better. The bare script and dlt check, hash and keep less.",
    ),
    Plot(
        "The same feed again",
        "again",
        "seconds (min-max)",
        "Seconds. A feed whose bytes are the same is not read; only what changed is written.",
    ),
    Plot(
        "`1 + 1`, one at a time",
        "`1 + 1` by",
        "p50, ms (min-max)",
        "Milliseconds, the median call. What an execution costs is that it survives a crash.",
    ),
    Plot(
        "Until a worker polls",
        "worker",
        "start, s (min-max)",
        "Seconds from spawning the process.",
    ),
    Plot(
        "How sure, how right",
        "said to be right at level 1",
        "right",
        "Per cent of products that were sorted right, by how sure the classifier said it was.",
    ),
    Plot("Images", "image", "MB", "Megabytes, unpacked, the base image included."),
)


def page() -> str:
    """Return the page.

    Raises:
        ValueError: A table or column that is drawn is not in RESULTS.md any more.
    """
    tables = _tables(RESULTS.read_text())
    parts = [_HEAD]
    for plot in PLOTS:
        if not (table := tables.get(plot.table)) or plot.column not in table[0]:
            raise ValueError(f"{RESULTS} has no table {plot.table!r} with {plot.column!r} to draw")
        parts += [f"## {plot.title}\n", plot.says + "\n", _drawn(plot, table) + "\n"]
    return "\n".join(parts)


def _tables(text: str) -> dict[str, list[list[str]]]:
    tables: dict[str, list[list[str]]] = {}
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()]
        tables[rows[0][0]] = [rows[0], *rows[2:]]
    return tables


def _drawn(plot: Plot, table: list[list[str]]) -> str:
    column = table[0].index(plot.column)
    rows = [(row[0].replace("`", ""), _figures(row[column])) for row in table[1:]]
    scale = (_WIDTH - _LABEL - 70) / max(most for _, (_, _, most) in rows)
    height = _ROW * len(rows) + 10
    title = escape(plot.title.replace("`", ""))
    parts = [
        f'<svg class="drawing" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}">',
    ]
    for index, (label, (value, least, most)) in enumerate(rows):
        top = 5 + index * _ROW
        middle = top + _BAR / 2
        parts.append(
            f'<text x="{_LABEL - 10}" y="{middle + 4}" text-anchor="end" font-size="13">'
            f"{escape(label)}</text>"
            f'<rect x="{_LABEL}" y="{top}" width="{max(value * scale, 1):.1f}" height="{_BAR}" '
            'rx="2" fill="var(--md-accent-fg-color)" opacity="0.75"/>'
        )
        if least < most:
            parts.append(
                f'<line x1="{_LABEL + least * scale:.1f}" x2="{_LABEL + most * scale:.1f}" '
                f'y1="{middle}" y2="{middle}" stroke="currentColor" stroke-width="1.5"/>'
            )
        parts.append(
            f'<text x="{_LABEL + most * scale + 8:.1f}" y="{middle + 4}" font-size="13">'
            f"{value:,g}</text>"
        )
    return "".join([*parts, "</svg>"])


def _figures(cell: str) -> tuple[float, float, float]:
    found = _NUMBER.match(cell)
    if found is None:
        raise ValueError(f"{cell!r} in {RESULTS} is no number to draw")
    value = float(found[1].replace(",", ""))
    least, most = (float(end.replace(",", "")) if end else value for end in found.groups()[1:])
    return value, least, most
