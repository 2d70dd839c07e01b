"""StartWorkflow: what starts, what joins, and what comes back."""

import asyncio
import uuid

from gateway_calls import Caller
from temporalio.client import Client

from contextcore import ContextUnit


def wait(supplier: str = "wait", **more: str) -> ContextUnit:
    """Ask for a run that waits to be told to finish; each tenant has its own."""
    payload = {"workflow_type": "toy", "supplier_code": supplier, **more}
    return ContextUnit(
        payload={"tenant_id": f"t{uuid.uuid4().hex[:8]}", **payload},
        provenance=["commerce:trigger"],
    )


async def finish(client: Client, workflow_id: str) -> None:
    """End a waiting run."""
    handle = client.get_workflow_handle(workflow_id)
    await handle.signal("finish")
    await handle.result()


async def test_the_reply_is_a_child_that_names_the_run(caller: Caller, toys: None) -> None:
    """The envelope's rules hold, and the payload is all a caller needs to follow the run."""
    request = wait(supplier="done")

    reply = await caller.send("StartWorkflow", request)

    assert request.unit_id == reply.parent_unit_id
    assert request.trace_id == reply.trace_id
    assert ["commerce:trigger", "gateway:start_workflow"] == reply.provenance
    run_id = reply.payload.pop("run_id")
    assert run_id == str(uuid.UUID(run_id))
    assert {
        "workflow_id": f"toy-{request.payload['tenant_id']}-done",
        "status": "started",
        "workflow_type": "toy",
        "task_queue": "toys-tasks",
    } == reply.payload


async def test_the_same_unit_again_is_the_same_run(
    caller: Caller, toys: None, temporal_client: Client
) -> None:
    """A client that lost the reply sends the unit again: same run, while open and once closed."""
    unit = wait()

    first = await caller.ask("StartWorkflow", unit)
    again = await caller.ask("StartWorkflow", unit)
    await finish(temporal_client, first["workflow_id"])
    closed = await caller.ask("StartWorkflow", unit)

    assert "started" == first["status"]
    assert first == again
    assert first == closed


async def test_another_unit_with_the_same_id_joins_the_open_run(
    caller: Caller, toys: None, temporal_client: Client
) -> None:
    """One run per workflow id at a time; who joined finds the run again after it closed."""
    first = wait()
    second = ContextUnit(payload=first.payload)
    third = ContextUnit(payload=first.payload)

    started = await caller.ask("StartWorkflow", first)
    joined = await caller.ask("StartWorkflow", second)
    await finish(temporal_client, started["workflow_id"])
    joined_again = await caller.ask("StartWorkflow", second)
    fresh = await caller.ask("StartWorkflow", third)

    assert {**started, "status": "already_running"} == joined
    assert joined == joined_again
    assert "started" == fresh["status"]
    assert started["run_id"] != fresh["run_id"]


async def test_thirty_identical_calls_at_once_are_one_run(caller: Caller, toys: None) -> None:
    """Exactly once, however impatient the client."""
    unit = wait()

    replies = await asyncio.gather(*(caller.ask("StartWorkflow", unit) for _ in range(30)))

    assert 1 == len({reply["run_id"] for reply in replies})
    assert {"started"} == {reply["status"] for reply in replies}


async def test_thirty_units_for_one_id_at_once_are_one_run(caller: Caller, toys: None) -> None:
    """One starts it, the others are told that it runs."""
    payload = wait().payload
    units = [ContextUnit(payload=payload) for _ in range(30)]

    replies = await asyncio.gather(*(caller.ask("StartWorkflow", unit) for unit in units))

    assert 1 == len({reply["run_id"] for reply in replies})
    assert 1 == sum(reply["status"] == "started" for reply in replies)


async def test_without_a_template_every_unit_has_its_own_run(
    caller: Caller, toys: None, temporal_client: Client
) -> None:
    """The workflow id holds the unit's id, so that a repeat finds its run, also a closed one."""
    unit = ContextUnit(payload={"workflow_type": "toy_plain", "tenant_id": "a-b"})
    other = ContextUnit(payload=unit.payload)

    first = await caller.ask("StartWorkflow", unit)
    await temporal_client.get_workflow_handle(first["workflow_id"]).result()
    again = await caller.ask("StartWorkflow", unit)
    second = await caller.ask("StartWorkflow", other)

    assert f"toy_plain-a%2Db-{unit.unit_id}" == first["workflow_id"]
    assert first == again
    assert first["workflow_id"] != second["workflow_id"]


async def test_tenants_and_suppliers_cannot_share_an_id(caller: Caller, toys: None) -> None:
    """Where the dash is part of a value, it cannot pass for the one between two values."""
    one = await caller.ask("StartWorkflow", wait(supplier="c", tenant_id="a-b"))
    other = await caller.ask("StartWorkflow", wait(supplier="b-c", tenant_id="a"))
    strange = await caller.ask("StartWorkflow", wait(supplier="ä/b {c}", tenant_id="a"))

    assert "toy-a%2Db-c" == one["workflow_id"]
    assert "toy-a-b-c" == other["workflow_id"]
    assert "toy-a-%C3%A4%2Fb%20%7Bc%7D" == strange["workflow_id"]


async def test_a_start_is_what_temporal_shows(
    caller: Caller, toys: None, temporal_client: Client
) -> None:
    """The run gets the unit as it was sent, and the route's description as its summary."""
    unit = wait(supplier="done")

    reply = await caller.ask("StartWorkflow", unit)

    handle = temporal_client.get_workflow_handle(reply["workflow_id"])
    history = await handle.fetch_history()
    sent = history.events[0].workflow_execution_started_event_attributes.input.payloads
    [received] = await temporal_client.data_converter.decode(sent)
    assert unit == received
    assert "Plays" == await (await handle.describe()).static_summary()
