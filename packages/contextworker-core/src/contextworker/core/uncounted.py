"""Attempts at an activity that met a payload nobody could read yet, taken back.

Each would count against the activity's retry policy, and a key that comes an hour late would find
the run failed. Temporal has no way to fail an attempt without counting it, but one to begin anew.
"""

import asyncio
import logging
from contextvars import ContextVar
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    ResetActivityRequest,
)
from temporalio.client import Client
from temporalio.converter import ActivitySerializationContext
from temporalio.service import RPCError

_log = logging.getLogger(__name__)
_client: ContextVar[Client | None] = ContextVar("client of the running worker", default=None)
_running: set[asyncio.Task[None]] = set()
_CALL_TIMEOUT = timedelta(seconds=5)
_FAILED_WITHIN_S = 5.0
_LOOK_EVERY_S = 0.2
_SPREAD_S = 30


def take_back_with(client: Client) -> None:
    """Have attempts of workers that are started from here taken back, by their client."""
    _client.set(client)


async def take_back(context: ActivitySerializationContext) -> None:
    """See to it that the attempt does not count which is about to fail."""
    client = _client.get()
    if client is None or context.is_local:
        return
    try:
        activity = await _pending(client, context)
        if activity is None:  # what could not be read is the result of one that has ended
            return
        if 0 < activity.maximum_attempts <= activity.attempt:
            # Begun anew before it fails, or the run would; it then waits for the attempt's timeout.
            await _reset(client, context)
            return
    except RPCError as error:
        _counts(context, error)
        return
    task = asyncio.create_task(_take_back_once_failed(client, context))
    _running.add(task)
    task.add_done_callback(_running.discard)


async def _take_back_once_failed(client: Client, context: ActivitySerializationContext) -> None:
    try:
        async with asyncio.timeout(_FAILED_WITHIN_S):
            while not await _waits(client, context):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(_LOOK_EVERY_S)
        await _reset(client, context)
    except (RPCError, TimeoutError) as error:
        _counts(context, error)


async def _waits(client: Client, context: ActivitySerializationContext) -> bool:
    activity = await _pending(client, context)
    waiting = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return activity is not None and activity.state == waiting


async def _pending(
    client: Client, context: ActivitySerializationContext
) -> PendingActivityInfo | None:
    described = await client.workflow_service.describe_workflow_execution(
        DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=_run(context)),
        timeout=_CALL_TIMEOUT,
    )
    found = [it for it in described.pending_activities if it.activity_id == context.activity_id]
    return found[0] if found else None


async def _reset(client: Client, context: ActivitySerializationContext) -> None:
    await client.workflow_service.reset_activity(
        ResetActivityRequest(
            namespace=client.namespace,
            execution=_run(context),
            identity=client.identity,
            id=context.activity_id or "",
            jitter=Duration(seconds=_SPREAD_S),
        ),
        timeout=_CALL_TIMEOUT,
    )


def _run(context: ActivitySerializationContext) -> WorkflowExecution:
    return WorkflowExecution(workflow_id=context.workflow_id or "")


def _counts(context: ActivitySerializationContext, error: Exception) -> None:
    # A server that cannot begin an activity anew, or one that does not answer.
    _log.debug("an attempt at %s was not taken back: %r", context.activity_id, error)
