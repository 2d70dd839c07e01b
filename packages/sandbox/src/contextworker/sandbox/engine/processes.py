"""Counts interpreter processes that took the place of another."""

from collections import OrderedDict

from contextworker.core.metrics.instruments import NoLabels
from contextworker.core.metrics.sandbox import RESTARTS

_REMEMBERED = 8
"""For each process that there is at once: pids are used again some day."""


class Processes:
    """The processes that turns were done in: those beyond their number are replacements."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._known: OrderedDict[int, None] = OrderedDict()
        RESTARTS.add(0, NoLabels())

    def used(self, pid: int | None) -> None:
        """Note that a turn is done in a process."""
        if pid is None or pid in self._known:
            return
        if len(self._known) >= self._count:
            RESTARTS.add(1, NoLabels())
        self._known[pid] = None
        if len(self._known) > _REMEMBERED * self._count:
            self._known.popitem(last=False)
