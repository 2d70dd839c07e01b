"""How fast products are enriched end to end: `gardener.py speed`.

Rows of Flipkart's catalogue as products of one tenant, repeated under further SKUs; all five tasks
on, with the packaged configuration. PostgreSQL, Temporal, and gardener-workers as processes of
their own, all on this machine: claim, enrich, store, from the start of the workflow to its end.
Each round has a database and workers of its own; the first batches pay for warming up, too.

`--classifier FILE` first trains a classifier on MWPD2020's examples, which then goes before the
names of categories.

Prints products per second, the peak memory of a worker, and the CPU a product takes of workers, of
PostgreSQL and of Temporal: medians over the rounds. What other programs took of the machine
meanwhile is said, too: the rate is of what they left.
"""

import argparse
import asyncio
import csv
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import astuple, dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
from catalogue.system import Postgres, postgres
from gardening.model import Model, learn
from processes import running
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.brain import ProductRecord, open_brain
from contextworker.core.objects import ObjectStore
from contextworker.core.testing import TemporalServer, temporal_server
from contextworker.core.worker import shared_modules
from contextworker.gardener.module import module

DATA = Path(__file__).parents[3] / "shared" / "data"
TENANT = "bench"
MANY, FEW = 60_000, 6_000
FEW_EXAMPLES = 2_000
AT_ONCE = 5_000
LONGEST = timedelta(minutes=20)


@dataclass(frozen=True)
class Cpu:
    """Seconds of CPU, by who took them."""

    workers: float
    postgres: float
    temporal: float
    others: float
    """Programs that are not measured, this one among them."""

    @classmethod
    def now(cls, workers: Sequence[psutil.Process], postmaster: psutil.Process) -> "Cpu":
        """Read the clocks of processes that run on."""
        own = sum(map(_cpu_s, workers))
        server = _cpu_s(postmaster) + sum(map(_cpu_s, postmaster.children(recursive=True)))
        children = psutil.Process().children()
        temporal = sum(_cpu_s(child) for child in children if child.name() == "temporal")
        times = psutil.cpu_times()
        return cls(own, server, temporal, times.user + times.system - own - server - temporal)

    def since(self, before: "Cpu") -> "Cpu":
        """Return what was taken meanwhile."""
        return Cpu(*(now - then for now, then in zip(astuple(self), astuple(before), strict=True)))


@dataclass(frozen=True)
class Figures:
    """Of one round."""

    products: int
    seconds: float
    peak_mb: float
    """Of the worker that took most."""
    cpu: "Cpu"
    by_status: dict[str, int]

    @property
    def per_second(self) -> float:
        """Products per second."""
        return self.products / self.seconds


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="gardener.py speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, a tenth of the products")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help="gardener-worker processes")
    parser.add_argument("--batch-size", type=int, default=1000)
    parser.add_argument("--parallel", type=int, default=8, help="batches in hand at once")
    parser.add_argument("--classifier", type=Path, metavar="FILE", help="MWPD2020's train.jsonl")
    parser.add_argument("--data", type=Path, default=DATA / "flipkart.csv")
    options = parser.parse_args(arguments)
    if not options.data.is_file():
        sys.exit(f"there is no {options.data}: give Flipkart's catalogue with --data")
    records = read_products(options.data, FEW if options.quick else MANY)
    model = None
    if options.classifier is not None:
        model = learn(options.classifier, FEW_EXAMPLES if options.quick else None)
    rounds = [
        asyncio.run(measure(records, options, model))
        for _ in range(1 if options.quick else options.rounds)
    ]
    rates = [one.per_second for one in rounds]
    last = rounds[-1]
    print(f"{last.products:,} products, {options.workers} workers, {last.by_status}")
    print(
        f"products/s: {statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f}); "
        f"peak memory of a worker: {max(one.peak_mb for one in rounds):.0f} MB"
    )
    took = {
        field.name: statistics.median(getattr(one.cpu, field.name) / one.products for one in rounds)
        for field in fields(Cpu)
    }
    print("CPU, us a product:", ", ".join(f"{who} {s * 1e6:.0f}" for who, s in took.items()))


def read_products(path: Path, count: int) -> list[ProductRecord]:
    """Read the catalogue as often as it takes to make so many products."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["product_name"]]
    return [
        ProductRecord(
            sku=f"{number:07}",
            name=row["product_name"],
            dealer_code="flipkart",
            category=row["product_category_tree"].replace(">>", ">") or None,
            brand_name=row["brand"] or None,
            price_retail=row["retail_price"] or None,
        )
        for number in range(count)
        for row in [rows[number % len(rows)]]
    ]


async def measure(
    records: Sequence[ProductRecord], options: argparse.Namespace, model: Model | None
) -> Figures:
    """Run one round, everything fresh."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with postgres(folder / "pg") as server:
            return await _measure(records, options, folder, server, model)


async def _measure(
    records: Sequence[ProductRecord],
    options: argparse.Namespace,
    folder: Path,
    server: Postgres,
    model: Model | None,
) -> Figures:
    url = server.database("gardening")
    store = (folder / "objects").as_uri()
    further = {"CONTEXTWORKER_STORE_URL": store}
    async with open_brain(url) as brain:
        for first in range(0, len(records), AT_ONCE):
            await brain.upsert_products(TENANT, records[first : first + AT_ONCE], run_id="feed")
        if model is not None:
            await model.use(brain, ObjectStore.from_url(store), TENANT)
            further["CONTEXTWORKER_GARDENER_CONFIG"] = str(model.configure(folder))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    further["BRAIN_URL"] = url
    async with _system(further, workers=options.workers) as (client, workers):
        unit = ContextUnit(
            payload={
                "workflow_type": "gardener",
                "tenant_id": TENANT,
                "batch_size": options.batch_size,
                "parallel": options.parallel,
            }
        )
        postmaster = psutil.Process(int((server.folder / "postmaster.pid").read_text().split()[0]))
        before = Cpu.now(workers, postmaster)
        handle = await client.start_workflow(
            "gardener",
            unit,
            id="gardener-bench",
            task_queue=module.queue,
            result_type=ContextUnit,
            execution_timeout=LONGEST,
        )
        report: dict[str, Any] = (await handle.result()).payload
        cpu = Cpu.now(workers, postmaster).since(before)
        described = await handle.describe()
        assert described.close_time is not None
        assert report["products"] == len(records), report
        return Figures(
            products=report["products"],
            seconds=(described.close_time - described.start_time).total_seconds(),
            peak_mb=max(_peak_mb(worker) for worker in workers),
            cpu=cpu,
            by_status=report["by_status"],
        )


@asynccontextmanager
async def _system(
    further: Mapping[str, str], *, workers: int
) -> AsyncIterator[tuple[Client, list[psutil.Process]]]:
    """Run Temporal and the workers while the block runs; they poll when it begins."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(temporal_server())
        environment = _environment(server, further)
        processes = [
            await stack.enter_async_context(running(environment, "contextworker.gardener"))
            for _ in range(workers)
        ]
        client = await server.connect(*shared_modules([module]))
        # Routes are announced by workers that poll: a run of no products waits for that.
        warm = ContextUnit(payload={"workflow_type": "gardener", "tenant_id": "nobody"})
        await client.execute_workflow("gardener", warm, id="warm", task_queue=module.queue)
        yield client, processes


def _environment(server: TemporalServer, further: Mapping[str, str]) -> dict[str, str]:
    return {
        **os.environ,
        **server.environment,
        **further,
        "CONTEXTWORKER_LOG_LEVEL": "WARNING",
        "CONTEXTWORKER_PROMOTION": "always",
    }


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    # With those of children that ended.
    return float(times.user + times.system + times.children_user + times.children_system)


def _peak_mb(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main(sys.argv[1:])
