"""Each product is enriched, and counted once."""

from collections.abc import Iterator

from harness.ledger import Ledger

from invariants.seen import Seen

_TASKS = frozenset({"taxonomy"})
_ENRICHED = {"done", "review"}


def each_enriched(ledger: Ledger, seen: Seen) -> Iterator[str]:  # as the others
    """No product that is listed waits, or was left without a result."""
    for product in seen.products:
        if not product.is_listed:
            continue
        if product.enrichment_status not in _ENRICHED:
            yield f"the product {product.sku} is {product.enrichment_status}"
        elif missing := _TASKS.difference(product.tasks):
            yield f"the product {product.sku} is enriched without {sorted(missing)}"


def none_counted_twice(ledger: Ledger, seen: Seen) -> Iterator[str]:  # as the others
    """What was pending when a gardener began is what its runs say that they did."""
    for one in ledger.gardened:
        if one.pending != one.counted:
            yield f"{one.pending} products of {one.tenant_id} were pending, {one.counted} counted"


def no_claim_left(ledger: Ledger, seen: Seen) -> Iterator[str]:  # as the others
    """Nobody holds a product any more."""
    for claim in seen.claims:
        yield f"nobody works any more, and there still is the claim {claim}"
