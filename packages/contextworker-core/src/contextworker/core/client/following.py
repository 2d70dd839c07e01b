"""Follow a task through streams that end and gateways that go, as `Watching` decides."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing

from contextworker.core.client.async_transport import AsyncTransport
from contextworker.core.client.errors import ClientError
from contextworker.core.client.replies import TaskStatus
from contextworker.core.client.requests import Requests
from contextworker.core.client.transport import Transport
from contextworker.core.client.watching import Watching


def follow(
    transport: Transport, requests: Requests, watching: Watching, run_id: str | None
) -> Generator[TaskStatus]:
    """Iterate over a task's states; see `WorkerClient.watch`."""
    stream = requests.watch(watching.workflow_id, run_id)

    def asked() -> Generator[TaskStatus]:
        yield transport.call(requests.status(watching.workflow_id, run_id))

    while True:
        stream_s = watching.stream_timeout_s()
        answers = asked() if watching.polling else transport.stream(stream, stream_s)
        try:
            with closing(answers):
                for status in answers:
                    if watching.news(status):
                        yield status
                    if status.closed:
                        return
            pause_s = watching.ended()
        except ClientError as error:
            pause_s = watching.failed(error)
        time.sleep(pause_s)


async def follow_async(
    transport: AsyncTransport, requests: Requests, watching: Watching, run_id: str | None
) -> AsyncGenerator[TaskStatus]:
    """Iterate over a task's states; see `AsyncWorkerClient.watch`."""
    stream = requests.watch(watching.workflow_id, run_id)

    async def asked() -> AsyncGenerator[TaskStatus]:
        yield await transport.call(requests.status(watching.workflow_id, run_id))

    while True:
        stream_s = watching.stream_timeout_s()
        answers = asked() if watching.polling else transport.stream(stream, stream_s)
        try:
            async with aclosing(answers):
                async for status in answers:
                    if watching.news(status):
                        yield status
                    if status.closed:
                        return
            pause_s = watching.ended()
        except ClientError as error:
            pause_s = watching.failed(error)
        await asyncio.sleep(pause_s)
