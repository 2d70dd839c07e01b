"""How each kind of fault is done to a running system: it lasts as long as its block."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)

import psutil
import psycopg
from harness.links import Link
from harness.postgresql import PostgreSQL
from harness.supplier import Mood
from harness.system import ChaosSystem

from faults.schedule import Fault

Strike = Callable[[ChaosSystem, Fault], AbstractAsyncContextManager[None]]
STRIKES: dict[str, Strike] = {}
_GRACE_S = 30


class NotHereError(Exception):
    """This machine does not let us do such a thing."""


def _strike(strike: Callable[[ChaosSystem, Fault], AsyncIterator[None]]) -> None:
    STRIKES[strike.__name__.strip("_")] = asynccontextmanager(strike)


def _at_link(name: str) -> Callable[[Callable[[Link, Fault], None]], None]:
    """Register what is done to a link, and undone by healing it."""

    def register(do: Callable[[Link, Fault], None]) -> None:
        @asynccontextmanager
        async def strike(system: ChaosSystem, fault: Fault) -> AsyncIterator[None]:
            link = system.links[fault.target]
            do(link, fault)
            try:
                yield
            finally:
                link.heal()

        STRIKES[name] = strike

    return register


@_strike
async def _kill(system: ChaosSystem, fault: Fault) -> AsyncIterator[None]:
    system.processes[fault.target].kill()
    try:
        yield
    finally:
        system.start(fault.target)


@_strike
async def _freeze(system: ChaosSystem, fault: Fault) -> AsyncIterator[None]:
    process = system.processes[fault.target]
    process.freeze()
    try:
        yield
    finally:
        process.thaw()


@_strike
async def _restart(system: ChaosSystem, fault: Fault) -> AsyncIterator[None]:
    process = system.processes[fault.target]
    process.terminate()
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                while process.is_running:
                    await asyncio.sleep(0.05)
        process.kill()  # as a cluster does after the grace period
        yield
    finally:
        system.start(fault.target)


@_at_link("delay")
def _delay(link: Link, fault: Fault) -> None:
    link.delay_s = fault.amount


STRIKES["slow"] = STRIKES["delay"]


@_at_link("throttle")
def _throttle(link: Link, fault: Fault) -> None:
    link.bytes_per_s = fault.amount


@_at_link("silence")
def _silence(link: Link, fault: Fault) -> None:  # as the others
    link.silence()


@_at_link("cut")
def _cut(link: Link, fault: Fault) -> None:  # as the others
    link.cut()


@_at_link("reset")
def _reset(link: Link, fault: Fault) -> None:  # as the others
    link.reset()


@_at_link("refuse")
def _refuse(link: Link, fault: Fault) -> None:  # as the others
    link.refusing = True
    link.reset()


@_at_link("lose")
def _lose(link: Link, fault: Fault) -> None:
    link.lose()


@_at_link("half_close")
def _half_close(link: Link, fault: Fault) -> None:  # as the others
    link.half_close()


@_strike
async def _lock(system: ChaosSystem, fault: Fault) -> AsyncIterator[None]:
    brain = _postgresql(system)
    async with AsyncExitStack() as stack:
        try:
            connection = await psycopg.AsyncConnection.connect(brain.url, connect_timeout=3)
            stack.push_async_callback(connection.close)
            await connection.execute("SET lock_timeout = '3s'")
            with suppress(psycopg.errors.LockNotAvailable):  # it stood in the way all the same
                await connection.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        # A killed backend takes all others with it, this one too where it has just been met.
        except psycopg.OperationalError as error:
            raise NotHereError("PostgreSQL was down") from error
        yield


@_strike
async def _kill_backend(system: ChaosSystem, fault: Fault) -> AsyncIterator[None]:
    chance = random.Random(fault.at_s)
    backends = [
        process
        for process in _postgresql(system).process.family()[1:]
        if b"127.0.0.1" in _title(process) or b"[local]" in _title(process)
    ]
    if not backends:
        raise NotHereError("there was no backend")
    with suppress(psutil.NoSuchProcess):
        chance.choice(backends).kill()
    yield


def _postgresql(system: ChaosSystem) -> PostgreSQL:
    if not isinstance(system.brain, PostgreSQL):
        raise NotHereError("the Brain is an SQLite file")
    return system.brain


def _title(process: psutil.Process) -> bytes:
    with suppress(psutil.Error):
        return " ".join(process.cmdline()).encode()
    return b""


@_strike
async def _full(system: ChaosSystem, fault: Fault) -> AsyncIterator[None]:
    if system.disk is None:
        raise NotHereError("no small disk can be mounted here")
    filling = asyncio.create_task(_keep_full(system))
    try:
        yield
    finally:
        filling.cancel()
        system.disk.free()


async def _keep_full(system: ChaosSystem) -> None:
    """Fill it again and again: what others delete meanwhile is space."""
    while system.disk is not None:
        system.disk.fill()
        await asyncio.sleep(0.05)


@_strike
async def _clock(system: ChaosSystem, fault: Fault) -> AsyncIterator[None]:
    if system.clocks is None:
        raise NotHereError("there is no C compiler")
    system.clocks.set(fault.target, fault.amount)
    try:
        yield
    finally:
        system.clocks.set(fault.target, 0)


def _in_mood(mood: Mood) -> Strike:
    @asynccontextmanager
    async def strike(system: ChaosSystem, fault: Fault) -> AsyncIterator[None]:
        system.supplier.mood = mood
        try:
            yield
        finally:
            system.supplier.mood = Mood.WELL

    return strike


STRIKES |= {mood.value: _in_mood(mood) for mood in Mood if mood is not Mood.WELL}
