"""Runs whose values are encrypted: what a gateway with the key shows, and what one without says."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import grpc
import pytest
import pytest_asyncio
from gateway_calls import Caller, connected, until
from gateway_deployments import until_announced
from gateway_toys import toys

from contextcore import ContextUnit, SecurityScopes
from contextworker.core.payloads import data_converter
from contextworker.core.settings import RuntimeSettings
from contextworker.core.testing import running, temporal_server
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

KEYS = {"first": f"first:{'A' * 43}=", "other": f"other:{'B' * 42}A="}
LACKS = "a payload is encrypted with the key 'first', "


@dataclass
class Gateways:
    """Callers of gateways before one Temporal."""

    knowing: Caller
    """It has the key."""

    others: Caller
    """It has another."""

    keyless: Caller
    """It has none."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateways() -> AsyncIterator[Gateways]:
    """Run the toys with a key, and gateways with and without it."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(temporal_server())

        async def before(keys: str) -> Caller:
            converter = data_converter(RuntimeSettings.model_validate({"encryption_keys": keys}))
            client = await server.connect("gateway_toys", data_converter=converter)
            if keys == KEYS["first"]:
                await stack.enter_async_context(running(client, toys))
            settings = GatewaySettings(
                port=0, gateway_shutdown_grace_s=0, gateway_temporal_timeout_s=20
            )
            port = await stack.enter_async_context(gateway(client, settings))
            return await stack.enter_async_context(connected(port))

        knowing = await before(KEYS["first"])
        await until_announced(knowing, name=toys.name)
        yield Gateways(knowing, await before(KEYS["other"]), await before(""))


def toy(supplier_code: str, **security: list[str]) -> ContextUnit:
    """Ask for a run."""
    return ContextUnit(
        payload={"workflow_type": "toy", "supplier_code": supplier_code, "items": []},
        security=SecurityScopes(**security),
    )


async def closed(gateways: Gateways, unit: ContextUnit) -> str:
    """Run a toy to its end; returns its id."""
    started = await gateways.knowing.ask("StartWorkflow", unit)
    workflow_id = str(started["workflow_id"])
    await gateways.knowing.status_when(workflow_id, lambda status: "closed_at" in status)
    return workflow_id


@pytest.fixture(params=["others", "keyless"])
def without(request: pytest.FixtureRequest, gateways: Gateways) -> Caller:
    """Call a gateway that lacks the key."""
    caller: Caller = getattr(gateways, request.param)
    return caller


async def test_why_a_run_failed_is_told_where_the_key_is(gateways: Gateways) -> None:
    """Messages are encrypted in Temporal, and read here."""
    workflow_id = await closed(gateways, toy("permanent"))

    error = (await gateways.knowing.status(workflow_id))["error"]

    assert ("OutOfTentsError", "the supplier is out of tents", "toy_fail") == (
        error["type"],
        error["message"],
        error["activity"],
    )


async def test_a_gateway_without_the_key_says_that_a_run_failed_and_what_it_lacks(
    gateways: Gateways, without: Caller
) -> None:
    """The class of the error stays readable, its message does not."""
    workflow_id = await closed(gateways, toy("permanent"))

    status = await without.status(workflow_id)

    assert "failed" == status["status"]
    assert status["error"]["message"].startswith(f"why it failed cannot be read: {LACKS}")


async def test_a_gateway_without_the_key_says_that_a_run_completed_and_what_it_lacks(
    gateways: Gateways, without: Caller
) -> None:
    """Nothing is lost: with the key it shows the result."""
    workflow_id = await closed(gateways, toy("done"))

    status = await without.status(workflow_id)

    assert "completed" == status["status"]
    assert "result" not in status
    assert status["reason"].startswith(f"the run completed, but its result cannot be read: {LACKS}")
    assert {"done": True, "nothing": None} == (await gateways.knowing.status(workflow_id))["result"]


async def test_whose_scopes_cannot_be_read_is_shown_to_nobody(
    gateways: Gateways, without: Caller
) -> None:
    """Who may see the run is written in what is encrypted; lists go on without it."""
    workflow_id = await closed(gateways, toy("done", read=["prices:read"]))

    async def listed(caller: Caller) -> list[str]:
        return [task["run_id"] for task in (await caller.ask("ListTasks", {}))["tasks"]]

    run_id = (await gateways.knowing.status(workflow_id))["run_id"]
    await until(lambda: listed(gateways.knowing), lambda ids: run_id in ids)
    refusal = await without.refused("GetTaskStatus", {"workflow_id": workflow_id})

    assert (grpc.StatusCode.FAILED_PRECONDITION, "UNREADABLE") == (refusal.code, refusal.reason)
    assert refusal.message.startswith(f"the gateway cannot read what this is about: {LACKS}")
    assert run_id not in await listed(without)
