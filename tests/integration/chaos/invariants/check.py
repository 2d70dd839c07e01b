"""Every invariant at once."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from harness.catalogue import Catalogue
from harness.ledger import Ledger

from invariants import catalogues as products
from invariants import enrichment, leftovers, runs
from invariants.leftovers import MODULES
from invariants.seen import Seen


def violations(
    catalogues: Mapping[str, Catalogue],
    ledger: Ledger,
    seen: Seen,
    *,
    modules: AbstractSet[str] = MODULES,
) -> list[str]:
    """Return what does not hold, each as a sentence.

    Args:
        catalogues: Those that were harvested, by their suppliers.
        ledger: What callers were told.
        seen: What there is.
        modules: Those that run.
    """
    enriched = enrichment.each_enriched(ledger, seen) if "gardener" in modules else ()
    return [
        f"{check.__name__}: {sentence}"
        for check, found in (
            (runs.one_run_each, runs.one_run_each(ledger, seen)),
            (runs.every_run_ends, runs.every_run_ends(ledger, seen)),
            (runs.a_unit_stays_its_run, runs.a_unit_stays_its_run(ledger, seen)),
            (products.products_as_fed, products.products_as_fed(catalogues, seen)),
            (products.each_change_once, products.each_change_once(catalogues, seen)),
            (products.no_reject_lost, products.no_reject_lost(ledger, seen)),
            (products.runs_are_recorded, products.runs_are_recorded(ledger, seen)),
            (enrichment.each_enriched, enriched),
            (enrichment.none_counted_twice, enrichment.none_counted_twice(ledger, seen)),
            (enrichment.no_claim_left, enrichment.no_claim_left(ledger, seen)),
            (leftovers.no_process_left, leftovers.no_process_left(seen)),
            (leftovers.no_object_left, leftovers.no_object_left(catalogues, seen)),
            (leftovers.no_temporary_file_left, leftovers.no_temporary_file_left(seen)),
            (leftovers.no_connection_left, leftovers.no_connection_left(seen)),
            (leftovers.the_gateway_answers, leftovers.the_gateway_answers(seen, modules)),
        )
        for sentence in found
    ]
