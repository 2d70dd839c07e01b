"""Takes a look at a system."""

import json
import random
from collections import Counter
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from harness.callers import Callers
from harness.ledger import Ledger
from harness.postgresql import PostgreSQL
from harness.processes import in_sessions
from harness.sqlite import SQLite
from harness.system import ChaosSystem
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from invariants.seen import Run, Seen, StoredProduct

_RESENT = 20
_STORED = {
    "tenant_id": "tenant_id",
    "dealer_code": "dealer_code",
    "sku": "sku",
    "name": "name",
    "brand": "brand_name",
    "category": "category",
    "stock": "quantity",
    "is_listed": "removed_at IS NULL",
    "enrichment_status": "enrichment_status",
}


async def look(system: ChaosSystem, ledger: Ledger, callers: Callers) -> Seen:
    """See everything, past every link but the callers' own."""
    seen = Seen()
    await _resend(ledger, callers, seen)
    temporal = await system.temporal.connect()
    seen.runs = [await _run(temporal, run) async for run in temporal.list_workflows("")]
    await _see_products(system.brain, seen)
    await _see_harvests(system.brain, seen)
    if isinstance(system.brain, PostgreSQL):
        await _see_connections(system.brain, seen)
    seen.processes = orphans(system)
    seen.objects = _files(system.store) + _empty_folders(system.store)
    for name in system.services:
        seen.temporary_files += _files(system.temporary(name))
    seen.gateway = {one.name for one in await callers.patiently(callers.client.modules)}
    return seen


async def _resend(ledger: Ledger, callers: Callers, seen: Seen) -> None:
    """Send some units again, as a caller may that has lost the reply."""
    chance = random.Random(len(ledger.acknowledged))
    known = ledger.acknowledged
    for one in chance.sample(known, min(_RESENT, len(known))):
        task = await callers.patiently(partial(callers.client.start, one.unit))
        seen.resent[one.unit.unit_id] = (one.run_id, task.run_id)


async def _run(temporal: Client, run: Any) -> Run:
    failure = ""
    if run.status is WorkflowExecutionStatus.FAILED:
        try:
            await temporal.get_workflow_handle(run.id, run_id=run.run_id).result()
        except WorkflowFailureError as error:
            cause = error.cause
            failure = cause.type or "" if isinstance(cause, ApplicationError) else repr(cause)
    status = run.status.name if run.status is not None else ""
    return Run(run.id, run.run_id, run.workflow_type, status, failure)


async def _see_products(brain: PostgreSQL | SQLite, seen: Seen) -> None:
    for *row, price, enrichment in await brain.rows(
        f"SELECT {', '.join(_STORED.values())}, price_retail, enrichment FROM products"
    ):
        # SQLite keeps both as text.
        tasks = json.loads(enrichment) if isinstance(enrichment, str) else enrichment
        product = dict(zip(_STORED, row, strict=True))
        seen.products.append(StoredProduct(**product, price=Decimal(price), tasks=tasks))
    for change in await brain.rows(
        "SELECT tenant_id, dealer_code, sku, field, old, new FROM product_history"
    ):
        tenant_id, supplier, sku, field, old, new = change
        seen.history[tenant_id, supplier, sku, field, old, new] += 1
    # A claim that found nothing to do stays as a row until it is forgotten: it holds no product.
    for claim_id, product_id in await brain.rows(
        "SELECT claim_id, product_id FROM claimed_products"
    ):
        seen.claims.append(f"{claim_id} on {product_id}")


async def _see_harvests(brain: PostgreSQL | SQLite, seen: Seen) -> None:
    for run_id, reason in await brain.rows("SELECT run_id, reason_code FROM rejects"):
        seen.rejects.setdefault(run_id, Counter())[reason] += 1
    for run_id, status in await brain.rows("SELECT run_id, status FROM runs"):
        seen.brain_runs[run_id] = status


async def _see_connections(brain: PostgreSQL, seen: Seen) -> None:
    for (state,) in await brain.rows(
        "SELECT coalesce(state, '') FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ):
        seen.connections[state] += 1
    [(seen.advisory_locks,)] = await brain.rows(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    )


def orphans(system: ChaosSystem) -> list[str]:
    """Return the processes that were started by one that is gone, and live on."""
    wanted = {one.pid for process in system.processes.values() for one in process.family()}
    sessions = [pid for process in system.processes.values() for pid in process.sessions]
    return [
        f"{process.pid} {' '.join(process.cmdline())}"
        for process in in_sessions(sessions)
        if process.pid not in wanted
    ]


def _empty_folders(folder: Path) -> list[str]:
    folders = (path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir()))
    return sorted(f"{path.relative_to(folder)}/" for path in folders)


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def open_runs(system: ChaosSystem) -> list[str]:
    """Return what has not ended, and what each waits for."""
    temporal = await system.temporal.connect()
    found = []
    async for run in temporal.list_workflows("ExecutionStatus = 'Running'"):
        described = await temporal.get_workflow_handle(run.id, run_id=run.run_id).describe()
        waits = [
            f"{one.activity_type.name}, attempt {one.attempt}, by {one.last_worker_identity}: "
            f"{one.last_failure.message}"
            for one in described.raw_description.pending_activities
        ]
        found.append(f"{run.id} {run.run_id}: {waits}")
    return found
