"""Carries a schedule out."""

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass, field

from harness.system import ChaosSystem

from faults.schedule import Fault, Schedule
from faults.strikes import STRIKES, NotHereError

_log = logging.getLogger(__name__)


@dataclass
class Injector:
    """Strikes, each fault at its time; two on one target come one after the other."""

    system: ChaosSystem
    done: list[Fault] = field(default_factory=list)
    left_out: list[tuple[Fault, str]] = field(default_factory=list)
    """With the reason: what this machine cannot do, or what was down already."""

    _turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def run(self, schedule: Schedule) -> None:
        """Strike until the last fault is over."""
        async with asyncio.TaskGroup() as tasks:
            for fault in schedule.faults:
                tasks.create_task(self._strike(fault))

    async def _strike(self, fault: Fault) -> None:
        await asyncio.sleep(fault.at_s)  # its time
        async with self._turns[fault.target]:
            _log.info("%s", fault)
            try:
                async with STRIKES[fault.kind](self.system, fault):
                    await asyncio.sleep(fault.lasts_s)  # how long it is so
            except NotHereError as why:
                self.left_out.append((fault, str(why)))
            else:
                self.done.append(fault)
