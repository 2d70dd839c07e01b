"""A process that upserts batches and says after each what was counted.

Arguments: URL, run id, number of batches, products in a batch, and `forward` or `backward`.
"""

import asyncio
import sys

from contextworker.brain import ProductRecord, open_brain


async def main(url: str, run_id: str, batches: int, size: int, direction: str) -> None:
    """Upsert the batches."""
    async with open_brain(url) as brain:
        for batch in range(batches):
            numbers = range(batch * size, (batch + 1) * size)
            products = [
                ProductRecord(sku=f"{number:06}", name=f"{run_id} {number}", dealer_code="d")
                for number in (numbers if direction == "forward" else reversed(numbers))
            ]
            counts = await brain.upsert_products("shared", products, run_id=run_id)
            print(counts.inserted, counts.updated, counts.unchanged, flush=True)  # noqa: T201


url, run_id, batches, size, direction = sys.argv[1:]
asyncio.run(main(url, run_id, int(batches), int(size), direction))
