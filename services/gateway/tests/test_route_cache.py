"""The cache of routes: never a storm of reads, never without what it once knew."""

import asyncio
from collections.abc import Sequence

import pytest

from contextworker.core.announcement import AnnouncedRoute, Announcement
from contextworker.gateway.errors import (
    TemporalBusyError,
    TemporalUnavailableError,
    UnknownWorkflowTypeError,
)
from contextworker.gateway.routing.route_cache import RouteCache
from contextworker.gateway.routing.routes import AnnouncedModule
from contextworker.gateway.routing.sources import EntryPointSource, RouteSource


def module(*workflow_types: str) -> AnnouncedModule:
    """Make a module of some workflow types."""
    routes = tuple(AnnouncedRoute(workflow_type=name) for name in workflow_types)
    return AnnouncedModule("m", "1", Announcement(module="m", task_queue="q", routes=routes))


class LateShelf:
    """A source that lists what is there a moment late, as Temporal does."""

    def __init__(self) -> None:
        self.reads = 0

    async def read(self) -> Sequence[AnnouncedModule]:
        """Read."""
        self.reads += 1
        return (module("toy"),) if self.reads > 1 else ()


class BusyShelf:
    """A source that asks some times to be asked later, as Temporal does of many gateways."""

    def __init__(self, times: int) -> None:
        self.left = times

    async def read(self) -> Sequence[AnnouncedModule]:
        """Read."""
        self.left -= 1
        if self.left >= 0:
            raise TemporalBusyError("not now")
        return (module("toy"),)


class Shelf:
    """A source in memory that counts its reads and can be away."""

    def __init__(self, *modules: AnnouncedModule) -> None:
        self.modules = modules
        self.reads = 0
        self.away = False

    async def read(self) -> Sequence[AnnouncedModule]:
        """Read."""
        self.reads += 1
        await asyncio.sleep(0)
        if self.away:
            raise TemporalUnavailableError("away")
        return self.modules


def cache(shelf: RouteSource, *, min_interval_s: float = 0) -> RouteCache:
    """Make a cache that nothing refreshes but its callers."""
    return RouteCache(shelf, interval_s=60, min_interval_s=min_interval_s)


async def test_a_known_type_costs_no_read() -> None:
    """What was read once is at hand."""
    shelf = Shelf(module("toy"))
    routes = cache(shelf)

    for _ in range(3):
        assert "toy" == (await routes.find("toy")).workflow_type

    assert 1 == shelf.reads


async def test_many_who_ask_for_the_unknown_share_reads() -> None:
    """A hundred callers at once cost two reads, not two hundred."""
    shelf = Shelf(module("toy"))
    routes = cache(shelf)

    found = await asyncio.gather(
        *(routes.find(f"type-{number}") for number in range(100)), return_exceptions=True
    )

    assert {UnknownWorkflowTypeError} == {type(error) for error in found}
    assert 2 == shelf.reads


async def test_reads_keep_their_distance() -> None:
    """Asking again and again for the unknown cannot hammer the source."""
    shelf = Shelf()
    routes = cache(shelf, min_interval_s=0.05)
    began = asyncio.get_running_loop().time()

    for _ in range(2):
        with pytest.raises(UnknownWorkflowTypeError):
            await routes.find("unknown")

    assert 0.15 <= asyncio.get_running_loop().time() - began
    assert 4 == shelf.reads


async def test_a_type_announced_meanwhile_is_found() -> None:
    """The read that decides begins after the question, so it sees what was there then."""
    shelf = Shelf(module("toy"))
    routes = cache(shelf, min_interval_s=0.05)
    await routes.find("toy")
    shelf.modules = (module("toy", "fresh"),)

    assert "fresh" == (await routes.find("fresh")).workflow_type


async def test_a_type_listed_late_is_found() -> None:
    """One look is not enough to call a type unknown."""
    assert "toy" == (await cache(LateShelf()).find("toy")).workflow_type


async def test_a_busy_source_is_asked_once_more() -> None:
    """A gateway that has just started serves its first caller, or says in the end why not."""
    assert "toy" == (await cache(BusyShelf(1)).find("toy")).workflow_type
    with pytest.raises(TemporalBusyError):
        await cache(BusyShelf(2)).find("toy")


async def test_the_cache_outlives_an_outage() -> None:
    """Known types stay known; of an unknown one nobody can say that it does not exist."""
    shelf = Shelf(module("toy"))
    routes = cache(shelf)
    await routes.find("toy")
    shelf.away = True

    assert "toy" == (await routes.find("toy")).workflow_type
    assert ["toy"] == (await routes.table()).workflow_types
    with pytest.raises(TemporalUnavailableError):
        await routes.find("unknown")


async def test_a_cache_that_never_read_says_that_it_cannot() -> None:
    """An empty list would be a lie."""
    shelf = Shelf()
    shelf.away = True

    with pytest.raises(TemporalUnavailableError):
        await cache(shelf).table()


async def test_a_compiled_schema_survives_a_read_that_changes_nothing() -> None:
    """Refreshing every few seconds costs no compilation."""
    routes = cache(Shelf(module("toy")))
    before = (await routes.find("toy")).validator
    await routes.refresh()

    assert before is (await routes.find("toy")).validator


async def test_a_caller_who_leaves_does_not_end_the_read_for_others() -> None:
    """The read is shared; a cancelled call takes only itself away."""
    shelf = Shelf(module("toy"))
    routes = cache(shelf)
    leaving, staying = (asyncio.create_task(routes.find("toy")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()

    assert "toy" == (await staying).workflow_type
    assert 1 == shelf.reads


async def test_routes_come_from_installed_packages_where_versioning_is_off() -> None:
    """Every installed module is there with its schema, read without Temporal."""
    found = {item.deployment: item for item in await EntryPointSource().read()}

    [route] = found["harvest"].announcement.routes[:1]
    assert "harvest" == route.workflow_type
    assert route.payload_schema
    assert "supplier_code" in str(route.payload_schema["required"])
