"""Worker processes: signals, patience, probes, and words instead of tracebacks."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.health import LIVENESS
from contextworker.core.testing import TemporalServer
from contextworker.core.testing.server import free_port

SUPPORT = Path(__file__).parent / "support"
StartWorker = Callable[..., "WorkerProcess"]


class WorkerProcess:
    """A greeter in a process of its own, with its standard error in a file."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, str(SUPPORT / "greeter.py")],
                env={**os.environ, **environment},
                stderr=stderr,
            )

    @property
    def said(self) -> str:
        """Everything on standard error so far."""
        return self._log.read_text()

    async def says(self, text: str, *, timeout_s: float = 60) -> None:
        """Wait until the process has said something."""
        deadline = time.monotonic() + timeout_s
        while text not in self.said:
            assert self.process.poll() is None, f"ended early:\n{self.said}"
            assert time.monotonic() < deadline, f"never said {text!r}:\n{self.said}"
            await asyncio.sleep(0.05)

    async def ends(self, *, timeout_s: float = 60) -> int:
        """Wait for the end; returns the exit code."""
        return await asyncio.to_thread(self.process.wait, timeout_s)


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """Start greeters; none of them outlives the test."""
    started: list[WorkerProcess] = []

    def start(**environment: str) -> WorkerProcess:
        log = tmp_path / f"worker-{len(started)}.log"
        started.append(WorkerProcess(log, environment))
        return started[-1]

    yield start
    for worker in started:
        worker.process.kill()
        worker.process.wait()


async def begin(client: Client, name: str) -> str:
    """Start a greeting and wait until its activity runs; returns the workflow id."""
    unit = ContextUnit(payload={"workflow_type": "greet", "name": name})
    handle = await client.start_workflow("greet", unit, id=name, task_queue="greeter-tasks")
    async with asyncio.timeout(60):
        while not any(
            activity.HasField("last_started_time")
            for activity in (await handle.describe()).raw_description.pending_activities
        ):
            await asyncio.sleep(0.05)
    return name


async def test_sigterm_drains(
    temporal: TemporalServer, temporal_client: Client, start_worker: StartWorker
) -> None:
    """A running activity finishes at its first attempt, clients are closed, the exit is clean."""
    worker = start_worker(**temporal.environment)
    await worker.says("polls greeter-tasks")
    workflow_id = await begin(temporal_client, "the last")

    worker.process.send_signal(signal.SIGTERM)

    assert 0 == await worker.ends()
    assert "greetings closed" in worker.said
    history = await temporal_client.get_workflow_handle(workflow_id).fetch_history()
    attempts = [
        event.activity_task_started_event_attributes.attempt
        for event in history.events
        if event.HasField("activity_task_started_event_attributes")
    ]
    completed = [
        event
        for event in history.events
        if event.HasField("activity_task_completed_event_attributes")
    ]
    assert ([1], 1) == (attempts, len(completed))


async def test_a_second_signal_forces(
    temporal: TemporalServer, temporal_client: Client, start_worker: StartWorker
) -> None:
    """Whoever asks twice does not want to wait for the grace period."""
    worker = start_worker(**temporal.environment)
    await worker.says("polls greeter-tasks")
    workflow_id = await begin(temporal_client, "slow-500")

    worker.process.send_signal(signal.SIGINT)
    await worker.says("send it again to stop at once")
    worker.process.send_signal(signal.SIGINT)

    assert 128 + signal.SIGINT == await worker.ends()
    await temporal_client.get_workflow_handle(workflow_id).terminate()


async def test_a_worker_waits_for_temporal_and_serves_probes(
    tmp_path: Path, start_worker: StartWorker
) -> None:
    """It says what it waits for, starts when Temporal does, and its health follows Temporal's."""
    server = TemporalServer(database=tmp_path / "temporal.db")
    port = free_port()
    worker = start_worker(**server.environment, CONTEXTWORKER_HEALTH_ADDRESS=f"127.0.0.1:{port}")
    await worker.says(f"Temporal does not answer at {server.address}")
    try:
        server.start()
        await worker.says("polls greeter-tasks")
        await probe_says(port, health_pb2.HealthCheckResponse.SERVING)

        server.kill()
        await probe_says(port, health_pb2.HealthCheckResponse.NOT_SERVING)
        await probe_says(port, health_pb2.HealthCheckResponse.SERVING, service=LIVENESS)

        server.start()
        await probe_says(port, health_pb2.HealthCheckResponse.SERVING)
    finally:
        server.kill()


async def probe_says(port: int, expected: int, *, service: str = "", timeout_s: float = 60) -> None:
    """Probe as Kubernetes would until the answer is the expected one."""
    async with (
        asyncio.timeout(timeout_s),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined] # bare stubs
        request = health_pb2.HealthCheckRequest(service=service)
        while True:
            answer = await check(request, timeout=timeout_s, wait_for_ready=True)
            if answer.status == expected:
                return
            await asyncio.sleep(0.1)


async def test_a_worker_serves_its_metrics(
    temporal: TemporalServer, temporal_client: Client, start_worker: StartWorker
) -> None:
    """Whoever scrapes a worker sees what its task queue's work took, and of which kind it was."""
    address = f"127.0.0.1:{free_port()}"
    worker = start_worker(**temporal.environment, CONTEXTWORKER_METRICS_ADDRESS=address)
    await worker.says(f"metrics on http://{address}/metrics")
    await worker.says("polls greeter-tasks")
    unit = ContextUnit(payload={"workflow_type": "greet", "name": "Ada"})
    await temporal_client.execute_workflow("greet", unit, id="metrics", task_queue="greeter-tasks")

    # Temporal may tell us of the end before the worker has counted it.
    deadline = time.monotonic() + 30
    while missing := missing_metrics(await asyncio.to_thread(scrape, address)):
        assert time.monotonic() < deadline, missing
        await asyncio.sleep(0.05)


def missing_metrics(page: str) -> list[str]:
    """Return what a page of metrics does not have of the task queue."""
    return [
        metric
        for metric in (
            "temporal_workflow_completed_total",
            "temporal_activity_schedule_to_start_latency_seconds_bucket",
            "temporal_workflow_task_schedule_to_start_latency_seconds_bucket",
            "temporal_worker_task_slots_available",
            "temporal_worker_task_slots_used",
            "temporal_num_pollers",
        )
        if not any(
            line.startswith(f"{metric}{{") and 'task_queue="greeter-tasks"' in line
            for line in page.splitlines()
        )
    ]


def scrape(address: str) -> str:
    """Read the metrics as Prometheus does."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


async def test_two_processes_cannot_share_a_port_for_metrics(
    temporal: TemporalServer, start_worker: StartWorker
) -> None:
    """The second one says so and ends, rather than run unseen."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        worker = start_worker(**temporal.environment, CONTEXTWORKER_METRICS_ADDRESS=address)

        assert 1 == await worker.ends()
    assert f"metrics cannot be served on {address}" in worker.said
    assert "Address already in use" in worker.said


async def test_a_worker_that_still_waits_stops_at_once(start_worker: StartWorker) -> None:
    """SIGTERM before Temporal ever answered is a clean end."""
    worker = start_worker(TEMPORAL_ADDRESS=f"127.0.0.1:{free_port()}")
    await worker.says("Temporal does not answer")

    worker.process.send_signal(signal.SIGTERM)

    assert 0 == await worker.ends()


_INTERRUPTED = """\
import asyncio, io, logging, signal, sys
from contextworker.core.process import run_process

class Stderr(io.StringIO):
    writing = False

    def write(self, text):
        if self.writing:
            raise RuntimeError("reentrant call")  # as Python's own
        self.writing = True
        if "a line" in text:
            signal.raise_signal(signal.SIGTERM)
        self.writing = False
        return super().write(text)

async def serve(stop):
    logging.getLogger().warning("a line")
    await asyncio.wait_for(stop.wait(), 10)
    print("heard")

sys.stderr = Stderr()
run_process(serve)
"""


async def test_a_signal_in_the_middle_of_a_log_line_is_heard() -> None:
    """A handler that writes to the stream it interrupted would lose the signal."""
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _INTERRUPTED], capture_output=True, text=True
    )
    assert (0, "heard\n") == (ended.returncode, ended.stdout)


_ENDS = """
import atexit, time
from contextworker.core.process import run_process

class Native:
    def __del__(self):
        print("waits for ever", flush=True)
        time.sleep(1000)

async def serve(stop):
    print("worked")

native = Native()
atexit.register(print, "left to do")
run_process(serve)
"""


def test_a_process_ends_whatever_waits_in_the_interpreters_end() -> None:
    """As Temporal's native runtime does at times; what libraries leave to do is done."""
    ended = subprocess.run(
        [sys.executable, "-c", _ENDS], capture_output=True, text=True, timeout=60, check=False
    )

    assert (0, "worked\nleft to do\n") == (ended.returncode, ended.stdout)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            {"CONTEXTWORKER_SHUTDOWN_GRACE_S": "soon"},
            ["CONTEXTWORKER_SHUTDOWN_GRACE_S: ", "valid number"],
        ),
        ({"CONTEXTWORKER_LOG_LEVEL": "verbose"}, ["CONTEXTWORKER_LOG_LEVEL: is none of CRITICAL"]),
        ({"TEMPORAL_ADDRESS": "no such host"}, ["TEMPORAL_ADDRESS 'no such host'"]),
        ({"TEMPORAL_NAMESPACE": "nowhere"}, ["greeter-tasks", "namespace 'nowhere'"]),
        ({"CONTEXTWORKER_HEALTH_ADDRESS": "256.0.0.1:1"}, ["cannot listen on 256.0.0.1:1"]),
        ({"CONTEXTWORKER_METRICS_ADDRESS": "nowhere:1"}, ["METRICS_ADDRESS", "an IP address"]),
    ],
)
async def test_a_wrong_setting_is_a_sentence(
    temporal: TemporalServer,
    start_worker: StartWorker,
    environment: dict[str, str],
    words: list[str],
) -> None:
    """Exit 1, the setting named, no traceback."""
    worker = start_worker(**{**temporal.environment, **environment})

    assert 1 == await worker.ends()
    (error,) = (line for line in worker.said.splitlines() if line.startswith("error: "))
    assert [] == [word for word in words if word not in error]
    assert [] == [word for word in ("Traceback", '"exception": ') if word in worker.said]
