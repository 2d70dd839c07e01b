"""Measure harvests: `uv run benchmarks/harvest.py`.

- A CSV of 1,000,000 products with 10 columns into PostgreSQL, end to end: from StartWorkflow at the
  gateway to the completed run, with validation, hashing, history and row-level security. Beside, on
  the same server: a bare script (polars, COPY, one merge) and dlt's arrow and row paths.
- The same feed again; one whose rows come in another order; one with 1 % of its prices changed.
- The worker's peak memory, with 100,000 and with 1,000,000 rows.
- XLSX, YML and Google's XML, beside the plain parse of the same file by the same library.

The peers' time is without their interpreter's start and imports; the worker is running, too. Each
round has servers and a worker of its own; whoever goes first in a round goes later in the next. The
tables give medians over five rounds, and ratios of those medians. `--quick` tries it out: one
round, a tenth of the rows. dlt is installed by uv into an environment of its own.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import psycopg
from catalogue import parses
from catalogue.feeds import write_csv, write_google, write_xlsx, write_yml
from catalogue.system import Harvest, Postgres, postgres, system

HERE = Path(__file__).parent / "catalogue"
PEERS = ("bare", "dlt arrow", "dlt arrow, ADBC", "dlt rows")
SUPPLIER = """name = "Benchmark"
currency = "EUR"

[[sources]]
url = "{feed}"
"""
MAPPING = """
[mapping]
sku = "sku"
name = "name"
brand_name = "brand"
category = "category"
category_separator = ">"
price_retail = "price"
currency = "currency"
quantity = "quantity"
availability = "availability"
description = "description"
url = "url"
"""


@dataclass
class Figures:
    """What was measured, by what it is."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    memory_mb: dict[str, list[float]] = field(default_factory=dict)
    events: set[int] = field(default_factory=set)
    reports: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        """Keep a time."""
        print(f"  {name}: {seconds:.2f} s", file=sys.stderr)
        self.seconds.setdefault(name, []).append(seconds)

    def harvested(self, name: str, harvest: Harvest) -> None:
        """Keep a harvest's time and counts."""
        self.add(name, harvest.seconds)
        self.events.add(harvest.events)
        self.reports[name] = {
            key: harvest.report[key]
            for key in ("rows", "inserted", "updated", "unchanged", "removed", "rejected")
        }

    def median(self, name: str) -> float:
        """Return the median of the times."""
        return statistics.median(self.seconds[name])

    def spread(self, name: str) -> str:
        """Return the median, and the least and the most."""
        times = self.seconds[name]
        return f"{statistics.median(times):.1f} ({min(times):.1f}-{max(times):.1f})"


class Round:
    """One round: everything once."""

    def __init__(self, folder: Path, figures: Figures, *, rows: int, others: int) -> None:
        self._folder = folder
        self._figures = figures
        self._rows = rows
        self._others = others
        self._suppliers = folder / "suppliers"
        self._suppliers.mkdir()

    async def run(self, *, turn: int) -> None:
        """Measure both sides, in turns."""
        feed = self._folder / "feed.csv"
        write_csv(feed, self._rows)
        with postgres(self._folder / "pg") as server:
            steps = [self._harvests, self._peers]
            for step in steps if turn % 2 == 0 else steps[::-1]:
                await step(server, feed)
            await self._memory(server)
            await self._formats(server)

    def _supplier(self, code: str, feed: Path, *, mapping: str = MAPPING) -> str:
        text = SUPPLIER.format(feed=feed.as_uri()) + mapping
        (self._suppliers / f"{code}.toml").write_text(text, encoding="utf-8")
        return code

    async def _harvests(self, server: Postgres, feed: Path) -> None:
        code = self._supplier("large", feed)
        url = server.database("large")
        async with system(self._folder, self._suppliers, url) as it:
            self._figures.harvested("first", await it.harvest(code))
            self._figures.harvested("the same feed", await it.harvest(code))
            write_csv(feed, self._rows, reverse=True)
            self._figures.harvested("the same rows, reordered", await it.harvest(code))
            write_csv(feed, self._rows, changed=self._rows // 100)
            before = _transaction(server, "large")
            self._figures.harvested("1 % changed", await it.harvest(code))
            written = _written(server, "large", before)
            self._figures.reports["1 % changed"]["rows written"] = written
            self._keep_memory(it.peak_mb(), "all of these, 1 worker")
        write_csv(feed, self._rows)

    async def _peers(self, server: Postgres, feed: Path) -> None:
        for name in PEERS:
            url = server.database("peer")
            way, *options = name.split(", ")
            program = _program(way, adbc=bool(options))
            done = await asyncio.to_thread(
                subprocess.run, [*program, str(feed), url], capture_output=True, text=True
            )
            if done.returncode:
                sys.exit(f"{name} failed:\n{done.stderr}")
            self._figures.add(name, float(done.stdout.split()[-1]))

    async def _memory(self, server: Postgres) -> None:
        for rows in (self._rows // 10, self._rows):
            feed = self._folder / "memory.csv"
            write_csv(feed, rows)
            code = self._supplier("memory", feed)
            async with system(self._folder, self._suppliers, server.database("memory")) as it:
                await it.harvest(code)
                self._keep_memory(it.peak_mb(), f"{rows:,} rows, first harvest")
                write_csv(feed, rows, reverse=True)
                await it.harvest(code)
                self._keep_memory(it.peak_mb(), f"{rows:,} rows, second harvest")

    def _keep_memory(self, peak: float, name: str) -> None:
        self._figures.memory_mb.setdefault(name, []).append(peak)

    async def _formats(self, server: Postgres) -> None:
        writers = {"xlsx": write_xlsx, "yml": write_yml, "google": write_google}
        async with system(self._folder, self._suppliers, server.database("formats")) as it:
            for name, write in writers.items():
                feed = self._folder / f"feed.{name}"
                write(feed, self._others)
                mapping = MAPPING if name == "xlsx" else ""
                code = self._supplier(name, feed, mapping=mapping)
                self._figures.add(f"{name}: plain parse", parses.plain(name, feed))
                self._figures.add(f"{name}: our reader", parses.reader(name, feed))
                self._figures.harvested(f"{name}: harvest", await it.harvest(code))


def _program(way: str, *, adbc: bool) -> list[str]:
    if way == "bare":
        return [sys.executable, str(HERE / "bare.py")]
    script = [str(HERE / "dlt_peer.py"), way.removeprefix("dlt ")]
    extra = ["--with", "adbc-driver-postgresql==1.8.0"] if adbc else []
    return ["uv", "run", "--quiet", *extra, "--script", *script, *(["--parquet"] if adbc else [])]


def _transaction(server: Postgres, database: str) -> int:
    """Return the number of a transaction, which later ones are above."""
    return _number(server, database, "SELECT pg_current_xact_id()::text::bigint")


def _written(server: Postgres, database: str, since: int) -> int:
    """Return how many products were written since a transaction, whatever was written of them."""
    query = "SELECT count(*) FROM products WHERE xmin::text::bigint > %s"
    return _number(server, database, query, since)


def _number(server: Postgres, database: str, query: LiteralString, *parameters: int) -> int:
    with psycopg.connect(server.admin.replace("/postgres?", f"/{database}?")) as connection:
        row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return int(row[0])


def tables(figures: Figures, *, rows: int, others: int) -> str:
    """Write the tables."""
    first = figures.median("first")
    lines = [
        f"| {rows:,} rows, CSV | seconds (min-max) | rows per s | time beside ours |",
        "|---|---|---|---|",
    ]
    for name in ("first", *PEERS):
        median = figures.median(name)
        label = "StartWorkflow to completed" if name == "first" else name
        lines.append(
            f"| {label} | {figures.spread(name)} | {rows / median:,.0f} | {median / first:.2f} |"
        )
    lines += ["", "| again | seconds (min-max) | first / this | counts |", "|---|---|---|---|"]
    for name in ("the same feed", "the same rows, reordered", "1 % changed"):
        counts = ", ".join(f"{value:,} {key}" for key, value in figures.reports[name].items())
        ratio = first / figures.median(name)
        lines.append(f"| {name} | {figures.spread(name)} | {ratio:.1f} | {counts} |")
    lines += ["", "| peak memory of the worker | MB (min-max) |", "|---|---|"]
    for name, peaks in figures.memory_mb.items():
        spread = f"{statistics.median(peaks):.0f} ({min(peaks):.0f}-{max(peaks):.0f})"
        lines.append(f"| {name} | {spread} |")
    lines += [
        "",
        f"| {others:,} rows | plain parse, rows per s | our reader | of plain | whole harvest |",
        "|---|---|---|---|---|",
    ]
    for name in ("xlsx", "yml", "google"):
        plain, reader, whole = (
            others / figures.median(f"{name}: {part}")
            for part in ("plain parse", "our reader", "harvest")
        )
        lines.append(
            f"| {name} | {plain:,.0f} | {reader:,.0f} | {reader / plain:.2f} | {whole:,.0f} |"
        )
    lines += ["", f"Temporal's history: {max(figures.events)} events at most."]
    return "\n".join(lines)


async def main(*, rounds: int, rows: int, others: int) -> None:
    """Measure, and print the tables."""
    figures = Figures()
    for turn in range(rounds):
        print(f"round {turn + 1} of {rounds}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
            await Round(Path(folder), figures, rows=rows, others=others).run(turn=turn)
        print(tables(figures, rows=rows, others=others), file=sys.stderr)
    print(tables(figures, rows=rows, others=others))


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure harvests beside their peers.")
    parser.add_argument("--quick", action="store_true", help="one round, a tenth of the rows")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args(given)


if __name__ == "__main__":
    chosen = arguments()
    asyncio.run(
        main(
            rounds=1 if chosen.quick else chosen.rounds,
            rows=100_000 if chosen.quick else 1_000_000,
            others=20_000 if chosen.quick else 100_000,
        )
    )
