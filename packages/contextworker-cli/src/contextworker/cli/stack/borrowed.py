"""A Temporal server that somebody else runs: whether it answers, and who works there already."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from contextworker.cli.errors import StackError
from contextworker.core.connection import load_config
from contextworker.core.pollers import IDLE_POLL, Poller
from contextworker.core.registry import WorkerRegistry

WITHIN_S: Final = 10.0


async def refuse_shared_queues(
    modules: Sequence[str], environ: Mapping[str, str], *, within_s: float = WITHIN_S
) -> None:
    """Return where no other worker polls the modules' queues.

    Two stacks on one queue take each other's work: what one harvests lands in the other's Brain,
    which for a demo is a folder about to be removed.

    Raises:
        StackError: Somebody polls one of them, or the server does not answer.
    """
    config = load_config(environ)
    address, namespace = config["target_host"], config["namespace"]
    queues = [module.queue for module in WorkerRegistry.discover().select(modules)]
    try:
        async with asyncio.timeout(within_s):
            client = await Client.connect(**config)
            found = [await _workers(client, queue) for queue in queues]
    except RPCError as error:
        raise StackError(
            f"The Temporal at {address}, which TEMPORAL_ADDRESS names, refuses: {error.message}"
        ) from error
    except (TimeoutError, RuntimeError) as error:
        raise StackError(
            f"The Temporal at {address}, which TEMPORAL_ADDRESS names, does not answer."
        ) from error
    if workers := [worker for some in found for worker in some]:
        raise StackError(
            f"Others work at {address} in the namespace {namespace!r} already, and would take this "
            f"stack's work, as it would take theirs: {', '.join(workers)}.",
            [
                "Name a namespace of your own:  TEMPORAL_NAMESPACE=…",
                f"If they have just stopped, wait {IDLE_POLL.seconds} s.",
            ],
        )


async def _workers(client: Client, queue: str) -> list[str]:
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=queue))
    )
    now = datetime.now(UTC)
    pollers = [Poller.of(info) for info in described.pollers]
    return [poller.identity for poller in pollers if poller.is_live(now)]
