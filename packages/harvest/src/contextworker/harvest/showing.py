"""How far a harvest is: for who asks for its progress, and for Temporal's UI."""

from collections.abc import Mapping
from typing import Final

from contextworker.core.details import show_details
from contextworker.core.messages import Progress
from contextworker.harvest.messages import (
    Changes,
    FetchedFeeds,
    HarvestPlan,
    HarvestRun,
    HarvestStatus,
)

Counts = Mapping[str, int | str | None]
_REASONS: Final = 10
_COUNTED: Final = ("rows", "inserted", "updated", "unchanged", "removed", "duplicates", "filtered")


class Showing:
    """The latest progress of the workflow in hand, with all that was counted by then."""

    def __init__(self) -> None:
        self.progress = Progress(stage="fetching")
        self._counts: dict[str, int | str | None] = {}

    def tell(self, progress: Progress, counts: Counts | None = None) -> None:
        """Take a new progress, and counts besides those of before."""
        self.progress = progress
        self._counts.update(counts or {})
        show_details(progress, self._counts)

    def tell_suppliers(self, done: int, total: int, ended: HarvestStatus | None = None) -> None:
        """Tell how many suppliers of a harvest of all are done, and how the latest one ended."""
        so_far = self._counts.get(ended, 0) if ended else 0
        self.tell(
            Progress(stage="harvesting", done=done, total=total, unit="suppliers"),
            {ended.value: int(so_far or 0) + 1} if ended else None,
        )


def of_feeds(fetched: FetchedFeeds) -> Counts:
    """Count what was fetched."""
    return {"feeds": len(fetched.feeds), "bytes": fetched.size}


def of_hosts(run: HarvestRun, plan: HarvestPlan) -> str:
    """Say what is fetched from where, in a line."""
    hosts = ", ".join(dict.fromkeys(plan.hosts))
    return f"fetch {run.supplier_code} from {hosts}" if hosts else f"fetch {run.supplier_code}"


def of_rows(changes: Changes) -> Counts:
    """Count what rows come to, and why most of the rejected ones are no products."""
    by_reason = sorted(changes.rejected_by_reason.items(), key=lambda item: (-item[1], item[0]))
    return {
        **{name: getattr(changes, name) for name in _COUNTED},
        "rejected": changes.rejected,
        **{f"rejected: {reason}": count for reason, count in by_reason[:_REASONS]},
        "warnings": len(changes.warnings),
    }
