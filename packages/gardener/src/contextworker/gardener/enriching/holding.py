"""Hold a claim while a batch is worked on, and let go of it where nobody will go on with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from temporalio import activity

from contextworker.brain.models import Claim, EnrichmentStatus
from contextworker.brain.protocol import Brain
from contextworker.core.errors import PermanentError, TransientError
from contextworker.core.metrics.gardener import CLAIMS, ClaimEvent, Claims
from contextworker.gardener.enriching.messages import BatchRequest

_RENEWALS_PER_LEASE = 3
_ENDING = 0.1


@asynccontextmanager
async def holding(
    brain: Brain, request: BatchRequest, *, status: EnrichmentStatus
) -> AsyncIterator[Claim]:
    """Claim a batch's products, and keep the claim while the block runs.

    Where the run is cancelled, or the batch fails for good, the products are free for others at
    once. Where a worker ends, the claim stays: the next attempt goes on under it.
    """
    lease = timedelta(seconds=request.knowledge.lease_s)
    renewing: asyncio.Task[None] | None = None
    try:
        claim = await brain.claim_products(
            request.tenant_id,
            claim_id=request.claim_id,
            limit=request.batch_size,
            lease=lease,
            status=status,
            dealer_code=request.supplier_code,
        )
        if claim.products:
            renewing = asyncio.create_task(_renew(brain, request, lease))
        yield claim
    except asyncio.CancelledError:
        why = activity.cancellation_details()
        if why is not None and why.cancel_requested:
            await _let_go(brain, request)
        raise
    except PermanentError:
        await _let_go(brain, request)
        raise
    finally:
        if renewing is not None:
            renewing.cancel()


async def _renew(brain: Brain, request: BatchRequest, lease: timedelta) -> None:
    held = True
    interval_s = lease.total_seconds() / _RENEWALS_PER_LEASE
    while held:
        await asyncio.sleep(interval_s)
        with suppress(TransientError):  # there is time for another try before the lease ends
            held = await brain.renew_claim(
                request.tenant_id, claim_id=request.claim_id, lease=lease
            )
            if not held:
                # Or it waited for the batch's own settling, which is the end of this task, too.
                await asyncio.sleep(interval_s * _ENDING)
            CLAIMS.add(1, Claims(ClaimEvent.RENEWED if held else ClaimEvent.LOST))


async def _let_go(brain: Brain, request: BatchRequest) -> None:
    with suppress(TransientError):  # the lease will end
        await brain.settle_claim(request.tenant_id, claim_id=request.claim_id, enrichments=())
