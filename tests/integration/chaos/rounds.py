"""A round: faults under load, then quiet, then a look at what came of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from faults.injector import Injector
from faults.schedule import Fault, Schedule
from harness.callers import Callers
from harness.ledger import Ledger
from harness.load import Load
from harness.system import TENANTS, ChaosSystem
from invariants.check import violations
from invariants.looking import look, open_runs
from invariants.seen import Seen

SETTLES_WITHIN_S = 300
_QUIET_WITHIN_S = 120


@dataclass(frozen=True)
class Round:
    """What came of one."""

    schedule: Schedule
    faults: tuple[Fault, ...]
    left_out: tuple[tuple[Fault, str], ...]
    took_s: float
    recovered_s: float
    """From the end of the last fault until everything begun under it had ended well."""

    acknowledged: int
    runs: int
    failed: Counter[str]
    """Runs that failed for a supplier's fault, by type."""

    products: int
    changes: int
    rejects: int
    again: int
    """Calls that callers made again when their client had given up."""

    ended_by_itself: Counter[str]
    violations: tuple[str, ...]


async def run_round(
    system: ChaosSystem, ledger: Ledger, plan: Schedule, *, tenants: Sequence[str] = tuple(TENANTS)
) -> Round:
    """Break the system as planned, let it settle, and check it."""
    before = len(ledger.acknowledged), len(ledger.failed), len(system.ended_by_itself)
    again = ledger.again
    began, injector = time.monotonic(), Injector(system)
    async with system.client() as client:
        callers = Callers(system, ledger, client)
        load = Load(system, callers, tenants)
        calling = asyncio.create_task(load.run())
        try:
            await _either(injector.run(plan), calling)
            load.stop()
            over = time.monotonic()
            await _ended(system, calling)
            recovered_s = time.monotonic() - over
            async with asyncio.timeout(SETTLES_WITHIN_S):
                await load.settle()
                found, seen = await _when_quiet(system, ledger, callers)
        finally:
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
    return Round(
        schedule=plan,
        faults=tuple(injector.done),
        left_out=tuple(injector.left_out),
        took_s=time.monotonic() - began,
        recovered_s=recovered_s,
        acknowledged=len(ledger.acknowledged) - before[0],
        runs=len(seen.runs),
        failed=Counter(one.type for one in ledger.failed[before[1] :]),
        products=len(seen.products),
        changes=seen.history.total(),
        rejects=sum(kept.total() for kept in seen.rejects.values()),
        again=ledger.again - again,
        ended_by_itself=Counter(system.ended_by_itself[before[2] :]),
        violations=tuple(found),
    )


async def _either(injecting: Coroutine[Any, Any, None], calling: asyncio.Task[None]) -> None:
    """Let the faults happen; callers who fail meanwhile end it."""
    task = asyncio.create_task(injecting)
    await asyncio.wait({task, calling}, return_when=asyncio.FIRST_COMPLETED)
    if calling.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        calling.result()
    await task


async def _ended(system: ChaosSystem, calling: asyncio.Task[None]) -> None:
    """Wait for what was begun; says what is still open where that takes too long."""
    try:
        async with asyncio.timeout(SETTLES_WITHIN_S):
            await calling
    except TimeoutError:
        waits = "\n".join(await open_runs(system))
        raise AssertionError(
            f"not settled after {SETTLES_WITHIN_S} s; open are:\n{waits}"
        ) from None


async def _when_quiet(
    system: ChaosSystem, ledger: Ledger, callers: Callers
) -> tuple[list[str], Seen]:
    """Look until nothing is wrong any more, for a bounded time: lists are some moments late."""
    deadline = time.monotonic() + _QUIET_WITHIN_S
    harvested = {code: one for code, one in system.catalogues.items() if one.version}
    while True:
        seen = await look(system, ledger, callers)
        found = violations(harvested, ledger, seen, modules=system.modules)
        if not found or time.monotonic() > deadline:
            return found, seen
        await asyncio.sleep(1)
