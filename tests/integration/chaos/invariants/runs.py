"""Each acknowledged start is one run, which ends as it should."""

from collections import Counter
from collections.abc import Iterator

from harness.callers import OF_SUPPLIERS
from harness.ledger import Ledger

from invariants.seen import Seen

_GOES_ON = "CONTINUED_AS_NEW"


def one_run_each(ledger: Ledger, seen: Seen) -> Iterator[str]:
    """What was acknowledged is there, and nothing that nobody started."""
    known = {one.run_id for one in ledger.acknowledged} | ledger.started_by_programs
    listed = Counter(run.run_id for run in seen.runs)
    by_id = {run.run_id: run for run in seen.runs}
    for one in ledger.acknowledged:
        if listed[one.run_id] != 1:
            yield f"the start of {one.workflow_id} was acknowledged, its run {one.run_id} is gone"
    for run_id in sorted(set(listed) - known):
        yield f"nobody was told of the run {run_id} of {by_id[run_id].workflow_id}"
    by_unit = Counter(one.unit.unit_id for one in ledger.acknowledged)
    for unit_id, count in by_unit.items():
        if count > 1:
            yield f"the unit {unit_id} was acknowledged {count} times"


def every_run_ends(ledger: Ledger, seen: Seen) -> Iterator[str]:
    """A run completes, or fails for a supplier's fault."""
    for run in seen.runs:
        is_well = run.status in {"COMPLETED", _GOES_ON}
        if not is_well and not (run.status == "FAILED" and run.failure in OF_SUPPLIERS):
            yield f"the run {run.run_id} of {run.workflow_id} is {run.status} {run.failure}".strip()
    yield from ledger.wrong


def a_unit_stays_its_run(ledger: Ledger, seen: Seen) -> Iterator[str]:  # as the others
    """The same unit, sent again when all is over, is the same run."""
    for unit_id, (first, again) in seen.resent.items():
        if first != again:
            yield f"the unit {unit_id} was the run {first}, and sent again is {again}"
