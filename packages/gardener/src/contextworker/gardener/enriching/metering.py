"""What a worker's metrics say of enriching."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from contextworker.brain.models import Enrichment
from contextworker.brain.protocol import Brain
from contextworker.core.metrics import is_on
from contextworker.core.metrics.gardener import (
    CATALOGUE,
    CLAIMS,
    COST_LIMITS,
    ENRICHED,
    ENRICHED_PRODUCTS,
    ClaimEvent,
    Claims,
    EntryKind,
    Limit,
    Reached,
    TenantProducts,
)
from contextworker.gardener.enriching.entries import moment

_KIND: Final = re.compile(r"[^a-z_-]")
"""What ends the kind: such as the `@` of `classifier@3f2a9c`."""


def count_stored(tenant_id: str, stored: Sequence[Enrichment], *, at: datetime) -> None:
    """Count the entries that were written at a time, and their products."""
    if not is_on():
        return
    written = moment(at)
    kinds = Counter(
        EntryKind(task, str(entry["status"]), _kind(entry))
        for one in stored
        for task, entry in one.results.items()
        if isinstance(entry, dict) and entry.get("at") == written
    )
    for kind, entries in kinds.items():
        ENRICHED.add(entries, kind)
    for status, products in Counter(one.status for one in stored).items():
        ENRICHED_PRODUCTS.add(products, TenantProducts(tenant_id, status))


def _kind(entry: Mapping[str, object]) -> str:
    """Return who answered, without which model or person it was."""
    return _KIND.split(str(entry.get("source", "")), maxsplit=1)[0]


class Catalogues:
    """Tells how the products of all tenants stand: what is pending, and what waits for people."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    async def tell(self) -> None:
        """Ask the Brain of every tenant that has harvested, and set what it says."""
        for event in ClaimEvent:  # so that the first one lost is an increase; as with limits below
            CLAIMS.add(0, Claims(event))
        tenants = {last.tenant_id for last in await self._brain.last_harvests()}
        for tenant_id in sorted(tenants):
            for reached in Reached:
                COST_LIMITS.add(0, Limit(tenant_id, reached))
            counts = await self._brain.count_products(tenant_id)
            for status, products in counts.items():
                CATALOGUE.set(products, TenantProducts(tenant_id, status))
