"""Many callers at once, each of which sends its unit again until it has an answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import grpc

from contextcore import ContextUnit, worker_pb2_grpc
from contextworker.core.client import AsyncWorkerClient

# What a caller may answer by sending the same unit again.
TRANSIENT = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def unit_of(workflow_type: str, tenant_id: str, number: int) -> ContextUnit:
    """Make the unit of one caller."""
    return ContextUnit(
        payload={"workflow_type": workflow_type, "tenant_id": tenant_id, "number": number},
        provenance=["tests:trigger"],
    )


class Started(NamedTuple):
    """Which run does a unit's work, as its caller was told."""

    workflow_id: str
    run_id: str


Send = Callable[[ContextUnit], Awaitable[Started]]


@dataclass
class Crowd:
    """Callers of one address."""

    address: str
    callers: int = 32
    timeout_s: float = 10
    on_answer: Callable[["Crowd"], None] = lambda _: None
    answers: dict[str, Started] = field(default_factory=dict)
    """By unit id."""

    refusals: list[grpc.aio.AioRpcError] = field(default_factory=list)

    async def start(self, units: Iterable[ContextUnit]) -> None:
        """Start a run for each unit; returns when every one is acknowledged.

        Raises:
            grpc.aio.AioRpcError: A status on which no caller would try again.
        """
        waiting = iter(units)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.callers):
                tasks.create_task(self._call(waiting))

    async def _call(self, waiting: Iterator[ContextUnit]) -> None:
        async with self._connected() as send:
            for unit in waiting:
                self.answers[unit.unit_id] = await send(unit)
                self.on_answer(self)

    # Each caller has a connection of its own: a shared one would send all to the same replica.
    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Send]:
        # gRPC's own pause between two connection attempts would hide how soon a gateway is back.
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 500),
        ]
        async with grpc.aio.insecure_channel(self.address, options=options) as channel:
            stub: Any = worker_pb2_grpc.WorkerServiceStub(channel)

            async def send(unit: ContextUnit) -> Started:
                while True:
                    try:
                        reply = await stub.StartWorkflow(unit.to_protobuf(), timeout=self.timeout_s)
                    except grpc.aio.AioRpcError as error:
                        if error.code() not in TRANSIENT:
                            raise
                        self.refusals.append(error)
                        await asyncio.sleep(0.05)  # a caller's pause before it tries again
                    else:
                        payload = ContextUnit.from_protobuf(reply).payload
                        return Started(payload["workflow_id"], payload["run_id"])

            yield send


class ClientCrowd(Crowd):
    """Callers with the project's own client, which does the sending again."""

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Send]:
        async with AsyncWorkerClient(self.address, timeout=60) as client:

            async def send(unit: ContextUnit) -> Started:
                task = await client.start(unit)
                return Started(task.workflow_id, task.run_id)

            yield send
