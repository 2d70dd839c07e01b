"""A process that claims products of the tenant `shared`, and says after each claim what it took.

Arguments: URL, name, products at once, seconds of lease, and `settle` or `hold`: to hold is to
claim once and wait to be killed.
"""

import asyncio
import sys
from datetime import timedelta

from contextworker.brain import Enrichment, EnrichmentStatus, open_brain


async def main(url: str, name: str, limit: int, lease: timedelta, manner: str) -> None:
    """Claim until nothing is left."""
    async with open_brain(url) as brain:
        for number in range(10_000):
            claim_id = f"{name}-{number}"
            claimed = await brain.claim_products(
                "shared", claim_id=claim_id, limit=limit, lease=lease
            )
            print(*(item.product_id for item in claimed.products), flush=True)  # noqa: T201
            if manner == "hold":
                await asyncio.Event().wait()
            enrichments = [
                Enrichment(
                    product_id=item.product_id,
                    content_hash=item.content_hash,
                    status=EnrichmentStatus.DONE,
                    results={"by": name},
                )
                for item in claimed.products
            ]
            taken = await brain.settle_claim("shared", claim_id=claim_id, enrichments=enrichments)
            assert len(enrichments) == len(taken)
            if not claimed.products and not claimed.held_elsewhere:
                return


url, name, limit, lease, manner = sys.argv[1:]
asyncio.run(main(url, name, int(limit), timedelta(seconds=float(lease)), manner))
