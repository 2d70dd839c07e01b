"""Callers who do not give up: each start is sent until it is acknowledged, each end waited for."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg

from contextcore import ContextUnit
from contextworker.core.client import AsyncTask, AsyncWorkerClient, TaskFailedError
from contextworker.core.errors import TransientError
from harness.catalogue import Catalogue
from harness.ledger import Acknowledged, Failed, Gardened, Harvested, Ledger
from harness.system import ChaosSystem

T = TypeVar("T")
PROGRAM = """
ids = []
for supplier in suppliers:
    ids.append(start_workflow("harvest", supplier_code=supplier))
    sleep(0.2)
ended = wait_for(ids)
found = products("", limit=5)
print(len(ids), "harvests")
[[one["run_id"], one["status"], one.get("result")] for one in ended]
"""
# What a supplier's server may be the cause of; every other failure is ours.
OF_SUPPLIERS = {"FeedUnavailableError", "FeedTruncatedError", "FeedError"}


@dataclass
class Callers:
    """All callers of a system; what they are told goes into the ledger."""

    system: ChaosSystem
    ledger: Ledger
    client: AsyncWorkerClient

    async def harvest(self, catalogue: Catalogue) -> None:
        """Harvest a catalogue's version until it has been."""
        while True:
            report = await self.run(
                "harvest", catalogue.tenant_id, supplier_code=catalogue.supplier
            )
            if report is not None:
                self._harvested(catalogue, report)
                return

    async def garden(self, tenant_id: str) -> None:
        """Enrich what a tenant's harvests brought; only while none of them goes on."""
        pending, counted = await self._pending(tenant_id), 0
        while True:
            report = await self.run("gardener", tenant_id, batch_size=10, parallel=4)
            if report is not None:
                counted += report["products"]
                if report["outcome"] == "nothing_pending":
                    break
        self.ledger.gardened.append(Gardened(tenant_id, pending, counted))

    async def program(self, tenant_id: str, catalogues: list[Catalogue]) -> None:
        """Let a program harvest catalogues, again until each has been."""
        while catalogues:
            inputs = {"suppliers": [one.supplier for one in catalogues]}
            done = await self.run("execute_code", tenant_id, code=PROGRAM, inputs=inputs)
            if done is None:
                continue
            if done["error"] is not None or done["stdout"] != f"{len(catalogues)} harvests\n":
                self.ledger.wrong.append(f"a program of {tenant_id} ended with {done}")
            left = []
            for one, (run_id, status, told) in zip(catalogues, done["result"], strict=True):
                self.ledger.started_by_programs.add(run_id)
                if status == "completed":
                    self._harvested(one, told)
                else:
                    left.append(one)
            catalogues = left

    async def run(self, workflow_type: str, tenant_id: str, **payload: Any) -> Any:
        """Start a run and wait for its result; None where it failed for a supplier's fault."""
        unit = ContextUnit(
            payload={"workflow_type": workflow_type, "tenant_id": tenant_id, **payload},
            provenance=["chaos:trigger"],
        )
        task = await self._start(unit)
        try:
            return await self.patiently(lambda: task.result(timeout=30))
        except TaskFailedError as error:
            failure = error.status.error if error.status is not None else None
            kind, message = (failure.type, failure.message) if failure else ("", str(error))
            self.ledger.failed.append(Failed(task.workflow_id, kind, message))
            return None

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call, again and again while it fails in passing."""
        while True:
            try:
                return await call()
            except TransientError:
                self.ledger.again += 1
                await asyncio.sleep(0.2)  # a caller's pause

    async def _start(self, unit: ContextUnit) -> AsyncTask:
        task = await self.patiently(lambda: self.client.start(unit))
        self.ledger.acknowledged.append(Acknowledged(unit, task.workflow_id, task.run_id))
        return task

    async def _pending(self, tenant_id: str) -> int:
        query = (
            f"SELECT count(*) FROM products WHERE tenant_id = '{tenant_id}'"
            " AND enrichment_status = 'pending' AND removed_at IS NULL"
        )
        while True:
            try:
                [(count,)] = await self.system.brain.rows(query)
            except (psycopg.Error, OSError):
                await asyncio.sleep(0.2)  # until the Brain is back
            else:
                return int(count)

    def _harvested(self, catalogue: Catalogue, report: dict[str, Any]) -> None:
        self.ledger.harvested.append(
            Harvested(
                supplier=catalogue.supplier,
                report=report,
                rows=catalogue.rows,
                rejected=Counter(reason for _, reason in catalogue.bad_rows),
            )
        )
