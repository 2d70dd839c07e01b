"""Runs whose payloads cannot be read for a while: they wait for the key, and nothing is lost."""

import asyncio
import base64
import secrets
from datetime import timedelta

import pytest
from locked import Door, LockedWorkflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from contextcore import ContextUnit
from contextworker.core import failures, uncounted
from contextworker.core.payloads import data_converter
from contextworker.core.registry import ModuleConfig
from contextworker.core.settings import RuntimeSettings
from contextworker.core.testing import TemporalServer, running

KEYS = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in ("old", "new")}


Handle = WorkflowHandle[LockedWorkflow, ContextUnit]


async def connected(temporal: TemporalServer, *key_ids: str) -> Client:
    """Connect a client that has these keys; the first encrypts."""
    keys = ",".join(f"{key_id}:{KEYS[key_id]}" for key_id in key_ids)
    converter = data_converter(RuntimeSettings.model_validate({"encryption_keys": keys}))
    return await temporal.connect("locked", data_converter=converter)


def module(name: str, door: Door) -> ModuleConfig:
    """Return a module of its own for a test."""
    return ModuleConfig(name=name, workflows=[LockedWorkflow], activities=[door.knock])


async def start(client: Client, served: ModuleConfig, *, attempts: int = 2) -> Handle:
    """Start a run."""
    return await client.start_workflow(
        LockedWorkflow.run,
        ContextUnit(payload={"word": "sesame", "attempts": attempts}),
        id=f"locked-acme-{served.name}",
        task_queue=served.queue,
    )


async def told(handle: Handle, what: str) -> None:
    """Wait until Temporal knows why something of the run is tried again."""
    async with asyncio.timeout(60):
        while True:
            history = await handle.fetch_history()
            described = await handle.describe()
            found = [
                event.workflow_task_failed_event_attributes.failure.message
                for event in history.events
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
            ] + [
                activity.last_failure.message
                for activity in described.raw_description.pending_activities
            ]
            if any(what in message for message in found):
                return
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("lacking", [("new",), ()], ids=["another key", "no key"])
async def test_a_workflow_waits_for_its_key(
    temporal: TemporalServer, lacking: tuple[str, ...]
) -> None:
    """A worker without the key says so, and the run completes with one that has it."""
    served = module(f"waits{len(lacking)}", Door())
    client = await connected(temporal, "old")
    handle = await start(client, served)

    async with running(await connected(temporal, *lacking), served):
        await told(handle, "the key 'old'")
    async with running(client, served):
        answer = await handle.result()

    assert {"answer": "sesame once"} == answer.payload


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attempts", "lacking"),
    [(2, ("new",)), (3, ("new",)), (2, ())],
    ids=["another key, last attempt", "another key", "no key, last attempt"],
)
async def test_an_activity_waits_for_its_key_however_often_it_is_tried(
    temporal: TemporalServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    attempts: int,
    lacking: tuple[str, ...],
) -> None:
    """Attempts that could not read their input do not count, the last one that may be neither."""
    monkeypatch.setattr(uncounted, "_SPREAD_S", 1)
    monkeypatch.setattr(failures, "_PAUSE", timedelta(seconds=1))
    door = Door()
    served = module(f"knocks{attempts}{len(lacking)}", door)
    client = await connected(temporal, "old")
    handle = await start(client, served, attempts=attempts)
    async with running(client, served):
        await told(handle, "Encoded failure")

    async with running(await connected(temporal, *lacking), served), asyncio.timeout(90):
        while unreadable(caplog) < 4:
            await asyncio.sleep(0.05)
    async with running(client, served):
        answer = await handle.result()

    assert {"answer": "sesame once"} == answer.payload


def unreadable(caplog: pytest.LogCaptureFixture) -> int:
    """Count attempts that failed for want of a key."""
    return sum("Completing activity as failed" in record.message for record in caplog.records)
