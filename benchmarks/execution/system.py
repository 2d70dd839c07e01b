"""The running system that is measured: Temporal, a gateway and a sandbox worker."""

from __future__ import annotations  # the stub for asyncio is one for type checkers only

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import psutil
from processes import running

from contextcore import ContextUnit, worker_pb2_grpc
from contextworker.core.testing import temporal_server
from contextworker.core.testing.server import free_port

TENANT = "bench"
READY_S = 60
CALL_S = 60


@dataclass(frozen=True)
class System:
    """A sandbox behind a gateway."""

    stub: worker_pb2_grpc.WorkerServiceAsyncStub
    worker: psutil.Process
    gateway: psutil.Process

    async def execute(self, code: str) -> Any:
        """Run a program by ExecuteCode; returns its result."""
        unit = ContextUnit(payload={"code": code, "tenant_id": TENANT})
        reply = await self.stub.ExecuteCode(unit.to_protobuf(), timeout=CALL_S)
        payload = ContextUnit.from_protobuf(reply).payload
        if payload.get("status") != "completed" or payload.get("error"):
            sys.exit(f"the execution did not complete: {payload}")
        return payload["result"]

    def memory_mb(self) -> tuple[float, float]:
        """Return the resident sets of the gateway, and of the worker with its interpreters."""
        family = [self.worker, *self.worker.children(recursive=True)]
        return self.gateway.memory_info().rss / 1e6, sum(
            it.memory_info().rss for it in family
        ) / 1e6

    def cpu_s(self) -> float:
        """Return the CPU seconds of gateway, worker and interpreters, those replaced included."""
        family = [self.gateway, self.worker, *self.worker.children(recursive=True)]
        return sum(sum(it.cpu_times()[:4]) for it in family)


@asynccontextmanager
async def system(folder: Path) -> AsyncIterator[System]:
    """Run all of it while the block runs, each process fresh."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(temporal_server())
        port = free_port()
        environment = {
            **os.environ,
            **server.environment,
            "WORKER_PORT": str(port),
            "WORKER_ADDRESS": f"127.0.0.1:{port}",
            "BRAIN_URL": f"sqlite:///{folder / 'brain.db'}",
            "CONTEXTWORKER_STORE_URL": (folder / "objects").as_uri(),
            "CONTEXTWORKER_LOG_LEVEL": "WARNING",
        }
        gateway = await stack.enter_async_context(running(environment, "contextworker.gateway"))
        worker = await stack.enter_async_context(running(environment, "contextworker.sandbox"))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
        it = System(worker_pb2_grpc.WorkerServiceStub(channel), worker, gateway)
        await asyncio.wait_for(_ready(it), READY_S)
        yield it


async def _ready(it: System) -> None:
    for _ in range(READY_S * 10):
        with contextlib.suppress(grpc.aio.AioRpcError):  # it is about to start
            await it.execute("1 + 1")
            return
        await asyncio.sleep(0.1)
