"""Calls of the client in somebody's name: what travels with them, and what is shared."""

from typing import Any

import pytest
from scripted_gateway import ScriptedGateway

from contextworker.core.caller import METADATA_KEY, CallerRights
from contextworker.core.client import AsyncWorkerClient, ClosedError, WorkerClient

RIGHTS = CallerRights(subject="Zoë", tenant_id="acme", permissions=("worker:read",))


def _sent(scripted: ScriptedGateway) -> list[Any]:
    return [
        METADATA_KEY in asked.metadata
        and CallerRights.model_validate_json(asked.metadata[METADATA_KEY])
        for asked in scripted.asked
    ]


def test_a_view_carries_the_rights_and_its_client_does_not(scripted: ScriptedGateway) -> None:
    """Each call says for whom it is made; the client that the view was made of stays itself."""
    scripted.answers = [{"modules": []}, {"schedules": []}, {"modules": []}]
    with WorkerClient(scripted.address, token="t") as client:
        view = client.on_behalf_of(RIGHTS)
        view.modules()
        list(view.schedules.list())
        client.modules()
    assert [RIGHTS, RIGHTS, False] == _sent(scripted)
    assert ["Bearer t"] * 3 == [asked.metadata["authorization"] for asked in scripted.asked]


async def test_a_task_of_a_view_is_asked_about_in_the_same_name(scripted: ScriptedGateway) -> None:
    """What a view returns calls as the view does; views of one client do not mix."""
    other = RIGHTS.model_copy(update={"tenant_id": "globex", "permissions": None})
    scripted.answers = [{"workflow_id": "w", "run_id": "r"}, {"status": "running"}, {"modules": []}]
    async with AsyncWorkerClient(scripted.address) as client:
        task = await client.on_behalf_of(RIGHTS).start("harvest")
        await task.status()
        await client.on_behalf_of(other).modules()
    assert [RIGHTS, RIGHTS, other] == _sent(scripted)


async def test_a_stream_carries_the_rights(scripted: ScriptedGateway) -> None:
    """Following a task is a call like others."""
    scripted.answers = [[{"status": "completed", "result": 1}]]
    async with AsyncWorkerClient(scripted.address, token="t") as client:
        assert 1 == await client.on_behalf_of(RIGHTS).result("w", timeout=10)
    assert [RIGHTS] == _sent(scripted)
    assert "Bearer t" == scripted.asked[0].metadata["authorization"]


async def test_a_view_shares_the_connection(scripted: ScriptedGateway) -> None:
    """A view costs no connection of its own, and ends with its client."""
    scripted.answers = [{"modules": []}]
    client = AsyncWorkerClient(scripted.address)
    view = client.on_behalf_of(RIGHTS)
    await view.modules()
    await client.close()
    with pytest.raises(ClosedError):
        await view.modules()
