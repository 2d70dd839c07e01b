"""Measure a worker's start and idle memory: `uv run benchmarks/worker_start.py`.

Start: from spawning the process to Temporal seeing its first poll. Memory: resident set ten
seconds later, idle. Each worker is measured beside a bare temporalio worker in the same round, on
the same server; the table gives medians of five rounds, and ratios of those medians.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from contextworker.core.testing import TemporalServer, temporal_server

ROUNDS = 5
IDLE_S = 10
BARE_WORKER = """
import asyncio
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

@workflow.defn(sandboxed=False)
class Nothing:
    @workflow.run
    async def run(self) -> None:
        pass

async def main():
    client = await Client.connect("{address}")
    await Worker(client, task_queue="bare-tasks", workflows=[Nothing]).run()

asyncio.run(main())
"""


@dataclass(frozen=True)
class Figure:
    """One start of one worker."""

    start_s: float
    memory_mb: float


async def measure(
    client: Client, server: TemporalServer, command: list[str], queue: str, folder: Path
) -> Figure:
    """Start a worker, wait for its first poll, let it idle, and end it."""
    environment = {
        **os.environ,
        **server.environment,
        "BRAIN_URL": f"sqlite:///{folder}/brain.db",
        "CONTEXTWORKER_STORE_URL": (folder / "objects").as_uri(),
    }
    begun, spawned_at = time.perf_counter(), time.time()
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        while not await _polled_since(client, queue, spawned_at):
            if process.returncode is not None:
                sys.exit(f"{command} ended with {process.returncode}")
            await asyncio.sleep(0.01)
        start = time.perf_counter() - begun
        await asyncio.sleep(IDLE_S)
        memory = psutil.Process(process.pid).memory_info().rss / 1e6
    finally:
        process.kill()
        await process.wait()
    return Figure(start, memory)


async def _polled_since(client: Client, queue: str, moment: float) -> bool:
    response = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    return any(
        poller.last_access_time.ToMicroseconds() / 1e6 > moment for poller in response.pollers
    )


async def main() -> None:
    """Print the table."""
    figures: dict[str, list[Figure]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with temporal_server() as server:
            client = await server.connect()
            workers = {
                "bare temporalio": ([sys.executable, "-c",
                                     BARE_WORKER.format(address=server.address)], "bare-tasks"),
                "harvest-worker": (["harvest-worker"], "harvest-tasks"),
                "gardener-worker": (["gardener-worker"], "gardener-tasks"),
            }  # fmt: skip
            for round_number in range(ROUNDS):
                for worker, (command, queue) in workers.items():
                    figure = await measure(client, server, command, queue, folder)
                    figures.setdefault(worker, []).append(figure)
                print(f"round {round_number + 1} of {ROUNDS} done", file=sys.stderr)
    print("| worker | start, s (min-max) | beside bare | idle memory, MB | beside bare |")
    print("|---|---|---|---|---|")
    bare_start, bare_memory = _medians(figures["bare temporalio"])
    for worker, rounds in figures.items():
        start, memory = _medians(rounds)
        starts = [figure.start_s for figure in rounds]
        print(
            f"| {worker} | {start:.2f} ({min(starts):.2f}-{max(starts):.2f}) "
            f"| {start / bare_start:.2f} | {memory:.0f} | {memory / bare_memory:.2f} |"
        )


def _medians(rounds: list[Figure]) -> tuple[float, float]:
    return (
        statistics.median(figure.start_s for figure in rounds),
        statistics.median(figure.memory_mb for figure in rounds),
    )


if __name__ == "__main__":
    asyncio.run(main())
