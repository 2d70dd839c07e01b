"""Two releases of a module side by side, whose workflow code does not fit each other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from travels import QUEUE, V1, V2, Travels

from contextcore import ContextUnit
from contextworker.cli.deployments import deciding
from contextworker.cli.deployments.finding import find_deployment
from contextworker.cli.errors import DeployError
from contextworker.core import pollers
from contextworker.core.testing import temporal_server
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

RAMPED = 48  # that a version gets none of so many at 50 % is less likely than 1e-14


@pytest_asyncio.fixture(loop_scope="session")
async def travels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Travels]:
    """A Temporal server and a gateway; no worker yet."""
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=1,
        gateway_route_refresh_s=0.2,
        gateway_temporal_timeout_s=30,  # as a busy machine may take
    )
    async with temporal_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        client = await server.connect()
        async with gateway(client, settings) as port:
            both = Travels(tmp_path, server, client, port)
            yield both
            both.close()


async def test_an_upgrade_and_its_rollback_break_no_run(travels: Travels) -> None:
    """Every run finishes on the release it began on, whichever is current meanwhile."""
    await travels.start_worker(V1)
    began_on_1 = [await travels.start() for _ in range(3)]
    await travels.under_way(*began_on_1)
    await travels.start_worker(V2)

    waiting = await travels.states()
    promoted = await travels.deploy("promote", "travels")
    began_on_2 = [await travels.start() for _ in range(3)]
    await travels.under_way(*began_on_2)
    draining = await travels.states_once(
        lambda told: (
            3 == told[V1]["pinned_runs"] and all(told[version]["workers"] for version in (V1, V2))
        )
    )
    rolled_back = await travels.deploy("rollback", "travels")
    again = await travels.deploy("rollback", "travels")
    after = [await travels.start() for _ in range(3)]
    await travels.under_way(*after)

    assert ["inactive", "current"] == [waiting[version]["state"] for version in (V2, V1)]
    assert (V1, V2) == (promoted["before"]["current"], promoted["after"]["current"])
    assert ("draining", 3) == (draining[V1]["state"], draining[V1]["pinned_runs"])
    assert [1, 1] == [draining[version]["workers"] for version in (V1, V2)]
    assert (V2, V1) == (rolled_back["before"]["current"], rolled_back["after"]["current"])
    assert not again["changed"]
    assert [V1] * 3 == await travels.finish(began_on_1)
    assert [V2] * 3 == await travels.finish(began_on_2)
    assert [V1] * 3 == await travels.finish(after)
    assert [] == await travels.failed_tasks(*began_on_1, *began_on_2, *after)


@pytest.mark.slow  # its share shows in hundreds of runs only
async def test_a_ramp_gives_a_release_its_share_of_new_runs(travels: Travels) -> None:
    """None at 0 %, some of many at 50 %, all once promoted; routes come from the current one."""
    await travels.start_worker(V1)
    await travels.start_worker(V2)

    before = [await travels.start() for _ in range(4)]
    ramped = await travels.deploy("ramp", "travels", "--percentage", "50")
    during = list(await asyncio.gather(*(travels.start() for _ in range(RAMPED))))
    with pytest.raises(grpc.aio.AioRpcError) as only_in_2:
        await travels.start("cruise")
    with pytest.raises(DeployError) as refused:
        await travels.deploy("ramp", "travels", "--percentage", "100")
    ended = await travels.deploy("ramp", "travels", "--percentage", "0")
    between = [await travels.start() for _ in range(4)]
    await travels.deploy("ramp", "travels", "--percentage", "50")
    promoted = await travels.deploy("promote", "travels", V2)
    later = [await travels.start() for _ in range(4)]
    cruise = await travels.start("cruise")

    assert (V2, 50) == (ramped["after"]["ramping"], ramped["after"]["percentage"])
    assert grpc.StatusCode.NOT_FOUND == only_in_2.value.code()
    assert f"contextworker deploy promote travels {V2}" in refused.value.details[0]
    assert [None, None] == [change["after"]["ramping"] for change in (ended, promoted)]
    runs = [*before, *during, *between, *later]
    finished = dict(zip(runs, await travels.finish(runs), strict=True))
    assert {V1} == {finished[run] for run in [*before, *between]}
    assert {V1, V2} == {finished[run] for run in during}
    assert {V2} == {finished[run] for run in later}
    assert [V2] == await travels.finish([cruise])
    assert [] == await travels.failed_tasks(*runs)


async def test_a_release_without_a_live_worker_is_not_promoted(
    travels: Travels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal goes on listing a killed worker; its silence tells."""
    await travels.start_worker(V1)
    await travels.start_worker(V2)
    travels.kill_worker(V2)
    listed = (await travels.states())[V2]
    # A live worker may be silent for a minute: wait for a second here, not for 70.
    monkeypatch.setattr(pollers, "IDLE_POLL", timedelta(seconds=1))
    async with asyncio.timeout(120):
        while (found := (await find_deployment(travels.client, "travels"))).versions[0].workers:
            await asyncio.sleep(0.1)

    # A busy server was seen to forget the worker's polls as well.
    silence = (
        "its last poll was" if found.versions[0].last_poll_at else "Temporal remembers no poll"
    )
    with pytest.raises(DeployError, match=f"travels {V2} has no live worker: {silence}"):
        await deciding.promote(travels.client, found, V2, force=False)
    forced = await deciding.ramp(travels.client, found, V2, 10, force=True)
    with pytest.raises(DeployError, match="Somebody else changed the versions of travels"):
        await deciding.promote(travels.client, found, V2, force=True)

    assert listed["last_poll_at"] is not None or found.versions[0].last_poll_at is None
    assert (None, V2) == (forced.before.ramping, forced.after.ramping)
    assert f"travels {V2} has no live worker: runs that start on it wait for one." in forced.notes


async def test_what_a_run_continued_as_new_goes_on_with(travels: Travels) -> None:
    """A pinned chain stays on its release, unless its workflow takes the current one."""
    await travels.start_worker(V1)
    stays = await travels.start("tour", next="UNSPECIFIED")
    moves = await travels.start("tour", next="AUTO_UPGRADE")
    await travels.under_way(stays, moves)
    await travels.start_worker(V2)
    await travels.deploy("promote", "travels")

    for tour in (stays, moves):
        first_leg = travels.client.get_workflow_handle(tour)
        began = (await first_leg.describe()).run_id
        await first_leg.signal("go")
        async with asyncio.timeout(120):
            while (await first_leg.describe()).run_id == began:
                await asyncio.sleep(0.05)

    assert [V1, V2] == await travels.finish([stays, moves])
    assert [] == await travels.failed_tasks(stays, moves)


@pytest.mark.slow
async def test_one_name_for_both_releases_breaks_a_run(travels: Travels) -> None:
    """The control: without a version of its own, the second release cannot go on with the run."""
    await travels.start_worker(V1, TEMPORAL_WORKER_BUILD_ID="same")
    unit = ContextUnit(payload={"workflow_type": "travel"})
    handle = await travels.client.start_workflow("travel", unit, id="doomed", task_queue=QUEUE)
    await travels.under_way("doomed")
    await travels.stop_worker(V1)
    await travels.start_worker(V2, TEMPORAL_WORKER_BUILD_ID="same")

    await handle.signal("go")
    async with asyncio.timeout(120):
        while not (causes := await travels.failed_tasks("doomed")):
            await asyncio.sleep(0.05)

    assert {"WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR"} == set(causes)
