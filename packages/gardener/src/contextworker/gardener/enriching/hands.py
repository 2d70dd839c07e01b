"""How a run keeps batches in hand: so many at once, and the next as soon as one is done."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import Any

from temporalio import workflow

from contextworker.gardener.enriching.messages import Settled

_LOOKS = 10
"""How often a run looks again for products that other claims hold: longer than any lease."""


class Ended(Enum):
    """Why no batch is in hand any more."""

    EMPTY = auto()
    STOPPED = auto()
    HELD = auto()
    """Products are left, and other claims hold them for longer than a claim without news may."""


@dataclass
class Hands:
    """Takes batch after batch through an activity."""

    begin: Callable[[], Coroutine[Any, Any, Settled]]
    """One batch, which claims what it takes."""
    settled: Callable[[Settled], None]
    may_begin: Callable[[int], bool]
    """Whether another may begin beside so many in hand."""
    at_once: int
    batch_size: int
    lease: timedelta

    _in_hand: list[asyncio.Task[Settled]] = field(default_factory=list)

    async def work(self, *, drained: bool) -> Ended:
        """Work until a claim made with no other in hand is empty, or no batch may begin.

        Args:
            drained: What waits fits into one batch, as far as is known.
        """
        try:
            return await self._work(drained=drained)
        finally:
            # A run that is cancelled, or that failed over one batch, lets go of the others first.
            for task in self._in_hand:
                task.cancel()
            await asyncio.gather(*self._in_hand, return_exceptions=True)

    async def _work(self, *, drained: bool) -> Ended:
        looks = 0
        while True:
            alone = drained and not self._in_hand
            self._fill(1 if drained else self.at_once)
            if not self._in_hand:
                return Ended.STOPPED
            ended, still = await workflow.wait(self._in_hand, return_when=asyncio.FIRST_COMPLETED)
            self._in_hand = list(still)
            for task in ended:
                settled = task.result()
                self.settled(settled)
                drained = settled.claimed < self.batch_size
                if settled.claimed:
                    looks = 0
                elif alone and not settled.cut_off:
                    if not settled.held_elsewhere:
                        return Ended.EMPTY
                    if looks == _LOOKS:
                        return Ended.HELD
                    looks += 1
                    await workflow.sleep(
                        self.lease / (_LOOKS - 1), summary="other claims hold what is left"
                    )

    def _fill(self, at_once: int) -> None:
        while len(self._in_hand) < at_once and self.may_begin(len(self._in_hand)):
            self._in_hand.append(asyncio.create_task(self.begin()))
