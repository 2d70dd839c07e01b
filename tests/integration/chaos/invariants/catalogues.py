"""The Brain has what the feeds have, and how it came to that."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal

from harness.catalogue import Catalogue
from harness.ledger import Ledger

from invariants.seen import Seen, StoredProduct

Catalogues = Mapping[str, Catalogue]


def products_as_fed(catalogues: Catalogues, seen: Seen) -> Iterator[str]:
    """Each product is there once, as the feed had it last; what it lacks is marked removed."""
    stored: dict[tuple[str, str, str], StoredProduct] = {}
    for product in seen.products:
        key = (product.tenant_id, product.dealer_code, product.sku)
        if key in stored:
            yield f"the product {key} is there twice"
        stored[key] = product
    expected = {
        (one.tenant_id, one.supplier, sku): (row, is_listed)
        for one in catalogues.values()
        for rows, is_listed in ((one.listed, True), (one.removed, False))
        for sku, row in rows.items()
    }
    for key in sorted(expected.keys() - stored.keys()):
        yield f"the product {key} of the feed is not in the Brain"
    for key in sorted(stored.keys() - expected.keys()):
        yield f"the product {key} is in the Brain, and was never in a feed"
    for key in sorted(expected.keys() & stored.keys()):
        row, is_listed = expected[key]
        has = stored[key]
        content = (has.name, has.brand, has.category, has.price, has.stock, has.is_listed)
        wanted = (row.name, row.brand, row.category, row.price, row.stock, is_listed)
        if content != wanted:
            yield f"the product {key} is {content}, and should be {wanted}"


def each_change_once(catalogues: Catalogues, seen: Seen) -> Iterator[str]:
    """The history has each change of each feed, once."""
    expected: Counter[tuple[str, ...]] = Counter(
        {
            (one.tenant_id, one.supplier, sku, field, _plain(old), _plain(new)): count
            for one in catalogues.values()
            for (sku, field, old, new), count in one.history.items()
        }
    )
    found: Counter[tuple[str, ...]] = Counter()
    for (tenant, supplier, sku, field, old, new), count in seen.history.items():
        found[tenant, supplier, sku, field, _plain(old), _plain(new)] += count
    for change in sorted(expected.keys() | found.keys()):
        if expected[change] != found[change]:
            yield (
                f"the history has {found[change]} times what changed {expected[change]} times: "
                f"{change}"
            )


def no_reject_lost(ledger: Ledger, seen: Seen) -> Iterator[str]:
    """Each harvest's bad rows are kept with their reasons, and its report counts them."""
    for one in ledger.harvested:
        report, run_id = one.report, one.report["run_id"]
        if report["status"] == "not_modified":
            continue
        kept = seen.rejects.get(run_id, Counter())
        if kept != one.rejected:
            yield f"of {run_id} the Brain keeps {dict(kept)}, the feed has {dict(one.rejected)}"
        if report["rejected_by_reason"] != dict(one.rejected):
            yield f"{run_id} reports {report['rejected_by_reason']}, not {dict(one.rejected)}"
        if report["rows"] != one.rows:
            yield f"{run_id} reports {report['rows']} rows, the feed has {one.rows}"
    for run_id in sorted(seen.rejects.keys() - seen.brain_runs.keys()):
        yield f"there are rejects of {run_id}, which is no run"


def runs_are_recorded(ledger: Ledger, seen: Seen) -> Iterator[str]:
    """The Brain knows how each harvest ended."""
    for run_id, status in sorted(seen.brain_runs.items()):
        if status == "running":
            yield f"the Brain believes that {run_id} still runs"
    for one in ledger.harvested:
        said = seen.brain_runs.get(one.report["run_id"])
        if said != one.report["status"]:
            yield f"{one.report['run_id']} ended {one.report['status']}; the Brain says {said}"


def _plain(text: str) -> str:
    """Write equal amounts alike."""
    try:
        return format(Decimal(text).normalize(), "f")
    except ArithmeticError:
        return text
