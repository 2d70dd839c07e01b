"""What must not be stored: feeds that say nothing, or would empty a catalogue."""

from contextworker.harvest.changes import Plan
from contextworker.harvest.errors import FeedError, RemovalGuardError
from contextworker.harvest.gathering import Gathering
from contextworker.harvest.suppliers import Supplier


def check_rejects(gathering: Gathering) -> None:
    """Refuse feeds of which no row is a product.

    Raises:
        FeedError: Every row was rejected.
    """
    first = gathering.first_reject
    if first is None or gathering.products or gathering.filtered:
        return
    reasons = ", ".join(f"{count:,} {code}" for code, count in sorted(gathering.rejected.items()))
    raise FeedError(
        f"every one of the {gathering.rows:,} rows was rejected ({reasons}), so nothing was "
        f"stored; the first is row {first.row_number}: {first.reason}; look at the [mapping] of "
        "the supplier file"
    )


def check_removals(plan: Plan, supplier: Supplier, *, accepted: bool) -> None:
    """Refuse to remove more of a catalogue than the supplier file allows.

    Raises:
        RemovalGuardError: It would; the sentence says how to let it happen once.
    """
    if accepted or plan.removed <= supplier.max_removed_fraction * plan.listed:
        return
    raise RemovalGuardError(
        f"the feeds lack {plan.removed:,} of the {plan.listed:,} products that are listed, more "
        f"than max_removed_fraction = {supplier.max_removed_fraction:g} allows, so nothing was "
        "stored; if they are really gone, run once: "
        f"contextworker start harvest supplier_code={supplier.code} accept_removals=true"
    )
