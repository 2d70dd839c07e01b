"""Who polls a queue is asked once for all who want to know."""

import asyncio
from typing import Any

import pytest
from temporalio.client import Client

from contextworker.gateway import task_queues
from contextworker.gateway.errors import TemporalUnavailableError
from contextworker.gateway.modules.listing import ModuleLister
from contextworker.gateway.routing.route_cache import RouteCache
from contextworker.gateway.routing.sources import DeploymentSource
from contextworker.gateway.task_queues import Queues
from contextworker.gateway.temporal import Temporal


class Counted(Temporal):
    """Counts the calls it makes; may be told to fail."""

    calls = 0
    fails = False

    async def call(self, method: Any, request: Any, *, at_most_s: float | None = None) -> Any:
        """Make a call, or none."""
        self.calls += 1
        if self.fails:
            raise TemporalUnavailableError("away")
        return await super().call(method, request, at_most_s=at_most_s)


@pytest.fixture
def counted(temporal_client: Client) -> Counted:
    """A connection whose calls are counted."""
    return Counted(temporal_client, timeout_s=20)


async def test_those_who_ask_at_once_share_an_answer(counted: Counted) -> None:
    """A thousand looks at a module's runs are one look at its queue."""
    queues = Queues(counted)

    answers = await asyncio.gather(*(queues.read("nobody-polls") for _ in range(1000)))

    assert 1 == counted.calls
    assert {"no worker polls nobody-polls"} == {answer.why_nobody() for answer in answers}
    await queues.read("another")
    assert 2 == counted.calls


async def test_an_answer_is_forgotten(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that comes is seen, and queues asked about once take no memory."""
    monkeypatch.setattr(task_queues, "_KEPT_S", 0.01)
    queues = Queues(counted)

    await queues.read("nobody-polls")
    async with asyncio.timeout(20):
        while counted.calls < 2:
            await queues.read("nobody-polls")
            await asyncio.sleep(0)  # an answer at hand lets nobody else run

    assert len(queues._readings) <= 1


async def test_an_error_is_not_kept(counted: Counted) -> None:
    """Who asks after an outage gets an answer."""
    queues = Queues(counted)
    counted.fails = True
    failed = await asyncio.gather(
        *(queues.read("nobody-polls") for _ in range(3)), return_exceptions=True
    )
    assert [TemporalUnavailableError] * 3 == [type(error) for error in failed]
    assert 1 == counted.calls

    counted.fails = False
    await asyncio.sleep(0)
    assert (await queues.read("nobody-polls")).name == "nobody-polls"


async def test_one_caller_who_gives_up_leaves_the_others_their_answer(counted: Counted) -> None:
    """A cancelled call does not cancel what others wait for."""
    queues = Queues(counted)
    impatient = asyncio.create_task(queues.read("nobody-polls"))
    patient = asyncio.create_task(queues.read("nobody-polls"))
    await asyncio.sleep(0)

    impatient.cancel()

    assert (await patient).name == "nobody-polls"
    assert 1 == counted.calls


async def test_a_list_of_modules_that_failed_is_not_kept(counted: Counted) -> None:
    """Who asks after an outage gets an answer, however long one is kept."""
    routes = RouteCache(DeploymentSource(counted), interval_s=60, min_interval_s=0)
    modules = ModuleLister(counted, Queues(counted), routes, min_interval_s=60)
    counted.fails = True
    with pytest.raises(TemporalUnavailableError):
        await modules.list()

    counted.fails = False
    listed = await modules.list()

    assert listed is await modules.list()
