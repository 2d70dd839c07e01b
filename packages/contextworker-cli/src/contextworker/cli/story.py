"""What the demo does on a running stack: harvest, enrich, look, and let a program look."""

from dataclasses import dataclass
from typing import Any

from contextworker.brain import EnrichmentStatus, Product, open_brain
from contextworker.cli.client.follow import follow
from contextworker.cli.client.reaching import SERVICE, told_failures
from contextworker.cli.errors import ChildError, StalledError
from contextworker.cli.output.console import err
from contextworker.cli.output.views import progress_view
from contextworker.cli.stack.plan import Plan
from contextworker.cli.stack.process import tail
from contextworker.core.client import AsyncWorkerClient, TaskStatus

SUPPLIER = "camping-trade"
TENANT = "my_project"
PROGRAM = """\
tents = products("tent", enrichment_status="done")
cheapest = min(tents, key=lambda tent: float(tent["price"]))
f"{cheapest['name']}, {cheapest['price']} {cheapest['currency']}"
"""
SHOWN = 8
STALLED_AFTER_S = 60.0
_PAGE = 500


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the demo has to show."""

    harvest: TaskStatus
    gardener: TaskStatus
    products: list[Product]
    by_status: dict[EnrichmentStatus, int]
    rejects: dict[str, int]
    found: str
    """What the program found."""


async def play(plan: Plan) -> Outcome:
    """Harvest the supplier over gRPC, enrich the products, ask for them, and read all back.

    Raises:
        CliError: A workflow did not complete, or a call failed.
    """
    async with (
        told_failures(plan.gateway),
        AsyncWorkerClient(plan.gateway, service=SERVICE) as client,
    ):
        harvest = await _run(
            client, plan, "harvest", {"supplier_code": SUPPLIER, "tenant_id": TENANT}
        )
        gardener = await _run(client, plan, "gardener", {"tenant_id": TENANT})
        program = await client.execute(PROGRAM, tenant_id=TENANT, timeout=STALLED_AFTER_S)
    async with open_brain(plan.folders.brain_url) as brain:
        run_id = str((harvest.result or {}).get("run_id", ""))
        return Outcome(
            harvest=harvest,
            gardener=gardener,
            products=_spread(await brain.list_products(TENANT, limit=_PAGE), SHOWN),
            by_status=await brain.count_products(TENANT),
            rejects=await brain.count_rejects(TENANT, run_id=run_id),
            found=str(program.error.message if program.error else program.result),
        )


async def _run(
    client: AsyncWorkerClient, plan: Plan, workflow_type: str, fields: dict[str, Any]
) -> TaskStatus:
    started = await client.start(workflow_type, fields)
    log = plan.folders.logs / f"{workflow_type}-worker.log"
    try:
        with progress_view(err(), workflow_type) as view:
            status = await follow(
                client,
                started.workflow_id,
                view,
                run_id=started.run_id,
                stalled_after_s=STALLED_AFTER_S,
            )
    except StalledError as error:
        raise ChildError(f"{error} Its worker may say why.", log=log, tail=tail(log)) from error
    if status.completed:
        return status
    reason = status.error.sentence() if status.error else "no reason was given"
    raise ChildError(
        f"The workflow {started.workflow_id} {status.status.replace('_', ' ')}: {reason}",
        log=log,
        tail=tail(log),
    )


def _spread(products: list[Product], count: int) -> list[Product]:
    """Pick products from the whole list, enriched ones first: neighbours look alike."""
    order = [EnrichmentStatus.DONE, EnrichmentStatus.REVIEW]
    ready = [p for status in order for p in products if p.enrichment_status is status]
    done = [p for p in ready if p.enrichment_status is EnrichmentStatus.DONE] or ready
    step = max(1, len(done) // count)
    return done[::step][:count]
