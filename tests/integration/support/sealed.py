"""Looks at everything that Temporal stores of runs, as somebody who reads its database would."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflowservice.v1 import (
    DescribeScheduleRequest,
    DescribeWorkflowExecutionRequest,
    GetWorkflowExecutionHistoryRequest,
    ListSchedulesRequest,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client

ENCRYPTED = b"binary/encrypted"
_REFERENCE = b"temporal.api.sdk.v1.ExternalStorageReference"
# Search attributes are there to be searched; of a local activity, the SDK notes name and times.
_PLAIN = (".search_attributes", ".marker_recorded_event_attributes.details[data]")


@dataclass(frozen=True)
class Stored:
    """A message that Temporal stores, and where it was found."""

    path: str
    message: Message


async def everything_stored(client: Client, *, runs: int) -> list[Stored]:
    """Return histories, descriptions and schedules of the namespace.

    Args:
        client: Asks for them.
        runs: How many have ended; Temporal's list has them some moments late.
    """
    service, namespace = client.workflow_service, client.namespace
    async with asyncio.timeout(60):
        while (await client.count_workflows("ExecutionStatus != 'Running'")).count < runs:
            await asyncio.sleep(0.1)
    found = [
        Stored(f"schedule {entry.schedule_id}", message)
        for entry in (
            await service.list_schedules(ListSchedulesRequest(namespace=namespace))
        ).schedules
        for message in (
            entry,
            await service.describe_schedule(
                DescribeScheduleRequest(namespace=namespace, schedule_id=entry.schedule_id)
            ),
        )
    ]
    listed = await service.list_workflow_executions(
        ListWorkflowExecutionsRequest(namespace=namespace)
    )
    for info in listed.executions:
        name = info.execution.workflow_id
        run = WorkflowExecution(workflow_id=name, run_id=info.execution.run_id)
        described = await service.describe_workflow_execution(
            DescribeWorkflowExecutionRequest(namespace=namespace, execution=run)
        )
        history = await service.get_workflow_execution_history(
            GetWorkflowExecutionHistoryRequest(namespace=namespace, execution=run)
        )
        found += [Stored(f"{name} listed", info), Stored(f"{name} described", described)]
        found += [
            Stored(f"{name} event {event.event_id}", event) for event in history.history.events
        ]
    return found


def readable_payloads(stored: Stored) -> list[str]:
    """Return where a payload is that is neither encrypted nor a reference to an object."""
    return [
        f"{stored.path}{path}: {payload.data[:80]!r}"
        for path, payload in _within(stored.message, Payload)
        if payload.metadata.get("encoding") != ENCRYPTED
        and payload.metadata.get("messageType") != _REFERENCE
        and not any(plain in path for plain in _PLAIN)
    ]


def key_ids(stored: Stored) -> set[str]:
    """Return the ids of the keys that payloads are encrypted with."""
    return {
        payload.metadata["encryption-key-id"].decode()
        for _, payload in _within(stored.message, Payload)
        if payload.metadata.get("encoding") == ENCRYPTED
    }


def readable_failures(stored: Stored) -> list[str]:
    """Return failures with a message or a stack trace that a worker wrote."""
    return [
        f"{stored.path}{path}: {failure.message}"
        for path, failure in _within(stored.message, Failure)
        if failure.stack_trace
        or (failure.source.endswith("SDK") and failure.message != "Encoded failure")
    ]


def _within(message: Message, kind: type[Any], path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(message, kind):
        yield path, message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        here = f"{path}.{field.name}"
        if field.message_type.GetOptions().map_entry:
            for key, item in value.items():
                if isinstance(item, Message):
                    yield from _within(item, kind, f"{here}[{key}]")
        elif field.is_repeated:
            for item in value:
                yield from _within(item, kind, here)
        else:
            yield from _within(value, kind, here)
