"""Tenants of one worker: nobody's code keeps another's from running."""

import asyncio

import pytest

from contextworker.sandbox.engine.fairness import MOST_WAITING, CrowdedError, Seats
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.stops import Ended, Stop
from contextworker.sandbox.limits import DEFAULT


async def test_a_tenant_runs_beside_anothers_endless_loops(interpreter: Interpreter) -> None:
    """However many loops there are."""
    limits = DEFAULT.model_copy(update={"timeout_s": 60})
    async with asyncio.TaskGroup() as group:
        loops = [
            group.create_task(
                interpreter.start("while True: pass", {}, tenant_id="loud", limits=limits)
            )
            for _ in range(5)
        ]

        stop = await asyncio.wait_for(
            interpreter.start("1 + 1", {}, tenant_id="quiet", limits=DEFAULT), timeout=30
        )

        assert isinstance(stop, Ended)
        assert 2 == stop.finished.result
        assert not any(loop.done() for loop in loops)
        for loop in loops:
            loop.cancel()


async def test_tenants_take_turns() -> None:
    """Who asked often waits behind who asked once."""
    seats = Seats(1)
    order = []

    async def use(tenant_id: str) -> None:
        async with seats.taken(tenant_id):
            order.append(tenant_id)

    async with asyncio.TaskGroup() as group, seats.taken("x"):
        for tenant_id in "aaabbc":
            group.create_task(use(tenant_id))
        await asyncio.sleep(0)
        order.append("released")

    assert ["released", "a", "b", "c", "a", "b", "a"] == order


async def test_a_crowd_waits_elsewhere() -> None:
    """A tenant's line is only so long, shorter beside another's, and who gives up makes room."""
    seats = Seats(1)

    async def wait(tenant_id: str) -> asyncio.Task[None]:
        waiting = asyncio.create_task(seats._take(tenant_id))
        await asyncio.sleep(0)
        return waiting

    async with seats.taken("a"):
        crowd = [await wait("a") for _ in range(MOST_WAITING)]
        with pytest.raises(CrowdedError, match="50 other programs"):
            await seats._take("a")
        crowd.pop().cancel()
        await asyncio.sleep(0)
        crowd.append(await wait("a"))
        crowd += [await wait("b") for _ in range(MOST_WAITING // 2)]
        with pytest.raises(CrowdedError, match="25 other programs"):
            await seats._take("b")

        assert not any(waiting.done() for waiting in crowd)
        for waiting in crowd:
            waiting.cancel()
        await asyncio.wait(crowd)


async def test_one_tenant_alone_uses_a_single_process() -> None:
    """Where there is only one, there is none to leave."""
    seats = Seats(1)
    async with seats.taken("a"):
        pass
    async with seats.taken("a"):
        pass


async def test_who_gives_up_waiting_leaves_no_trace() -> None:
    """A place given at the very moment of the giving up is given on."""
    seats = Seats(1)
    async with seats.taken("a"):
        waiting = asyncio.create_task(seats._take("b"))
        late = asyncio.create_task(seats._take("b"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    late.cancel()  # its place is given already
    await asyncio.wait([late])

    assert late.cancelled()
    assert (1, {}, {}) == (seats._free, dict(seats._held), dict(seats._waiting))


async def test_many_turns_at_once_all_end(interpreter: Interpreter) -> None:
    """More than there are processes, of several tenants."""

    async def run(number: int) -> Stop:
        return await interpreter.start(
            f"{number} + 0", {}, tenant_id=f"t{number % 3}", limits=DEFAULT
        )

    stops = await asyncio.gather(*[run(number) for number in range(50)])

    assert list(range(50)) == [stop.finished.result for stop in stops if isinstance(stop, Ended)]
