"""What a run may spend on a language model, shared out to the questions in hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from contextworker.gardener.enriching.messages import Settled, Spent


@dataclass(eq=False)
class Share:
    """What one batch of questions may cost; None where there is no limit."""

    usd: float | None
    is_all: bool
    """Nothing else is left, and nobody else holds anything."""
    _budget: "Budget"

    def settled(self, settled: Settled) -> None:
        """Note what it cost, and whether it was too small for another question."""
        self._budget.settled(self, settled)


class Budget:
    """Sees to it that all questions together stay within the limit, whatever each one costs."""

    def __init__(self, limit_usd: float, spent: Spent, *, at_once: int, most_usd: float) -> None:
        """Share out what is left.

        Args:
            limit_usd: Of the whole run; 0: no limit.
            spent: So far.
            at_once: Shares that are held at the same time.
            most_usd: Of a share, unless it turns out to be too small.
        """
        self._limit_usd = limit_usd
        self._most_usd = most_usd
        self._spent = spent
        self._at_once = at_once
        self._held: list[Share] = []
        self._one_by_one = False
        self._nothing_fits = False

    @property
    def is_spent(self) -> bool:
        """Tell whether no further question fits."""
        return self._nothing_fits or (self._limit_usd > 0 and self._left_usd <= 0)

    def allows(self, in_hand: int) -> bool:
        """Tell whether another batch may be asked about beside so many in hand."""
        return not self.is_spent and not (self._one_by_one and in_hand)

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Hold a share while a batch is in hand."""
        usd = None
        if self._limit_usd > 0:
            usd = max(self._left_usd - sum(share.usd or 0.0 for share in self._held), 0.0)
            if not self._one_by_one:
                usd = min(usd / max(self._at_once - len(self._held), 1), self._most_usd)
        share = Share(usd, self._one_by_one, self)
        self._held.append(share)
        try:
            yield share
        finally:
            self._held.remove(share)

    def settled(self, share: Share, settled: Settled) -> None:
        """Note what a share came to.

        Where it was too small, the next one is all that is left; where that was too small, nothing
        fits any more.
        """
        self._spent = self._spent.plus(settled.spent)
        self._one_by_one = self._one_by_one or settled.at_limit
        self._nothing_fits = self._nothing_fits or (settled.at_limit and share.is_all)

    @property
    def _left_usd(self) -> float:
        return self._limit_usd - self._spent.cost_usd - self._spent.unsure_usd
