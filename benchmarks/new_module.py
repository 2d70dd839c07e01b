"""Measure a module's way to its first run: `uv run benchmarks/new_module.py`.

From typing `contextworker new-module` to its first completed workflow, in a clone whose environment
is there already, beside a Temporal and a gateway that run already and are not touched. Each round
has a clone of its own; packages come from uv's cache. The table gives medians of five rounds.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import grpc

from contextcore import ContextUnit, worker_pb2, worker_pb2_grpc
from contextworker.core.testing import temporal_server
from contextworker.core.testing.server import free_port

ROUNDS = 5
ROOT = Path(__file__).parents[1]
PAUSE_S = 0.01
PATIENCE_S = 60
STEPS = ("new-module", "uv sync", "worker to completed", "in all")
NOT_YET = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE}


def clone(folder: Path) -> None:
    """Copy the repository as it is, and install it."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in filter(None, listed.split("\0")):
        if (ROOT / path).is_file():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
    sync(folder)


def sync(folder: Path) -> None:
    """Install what the folder's lock names."""
    environment = {key: text for key, text in os.environ.items() if key != "VIRTUAL_ENV"}
    command = ["uv", "sync", "--quiet", "--python", sys.executable]
    subprocess.run(command, cwd=folder, env=environment, check=True)


@contextmanager
def running(program: Path, environment: dict[str, str], folder: Path) -> Iterator[None]:
    """Run a process while the block runs; its log goes to a file."""
    with (folder / f"{program.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [str(program)], env={**os.environ, **environment}, cwd=folder, stderr=log
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


def measure(folder: Path, environment: dict[str, str], name: str) -> list[float]:
    """Make a module, install it, run its worker and a workflow; returns the seconds of each."""
    programs = folder / ".venv" / "bin"
    gateway = f"127.0.0.1:{environment['WORKER_PORT']}"
    with grpc.insecure_channel(gateway) as channel:
        grpc.channel_ready_future(channel).result(PATIENCE_S)
    times = [time.perf_counter()]
    subprocess.run(
        [programs / "contextworker", "new-module", name],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    times.append(time.perf_counter())
    sync(folder)
    times.append(time.perf_counter())
    with running(programs / f"{name}-worker", environment, folder):
        complete(gateway, name)
        times.append(time.perf_counter())
    steps = [after - before for before, after in pairwise(times)]
    return [*steps, times[-1] - times[0]]


def complete(address: str, kind: str) -> None:
    """Start a workflow as soon as the gateway serves it, and wait for its end."""
    with grpc.insecure_channel(address) as channel:
        stub = worker_pb2_grpc.WorkerServiceStub(channel)
        started = call(stub, "StartWorkflow", workflow_type=kind, document="fox", text="a b c")
        while True:
            workflow_id = str(started.payload["workflow_id"])
            status = call(stub, "GetTaskStatus", workflow_id=workflow_id).payload["status"]
            if status == "completed":
                return
            if status not in {"queued", "running"}:
                sys.exit(f"the run of {kind} is {status}")
            time.sleep(PAUSE_S)


def call(stub: worker_pb2_grpc.WorkerServiceStub, method: str, **payload: object) -> ContextUnit:
    """Send one unit, again while the gateway does not serve its workflow type yet."""
    unit = ContextUnit(payload=payload, provenance=["benchmark:new-module"])
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            reply = getattr(stub, method)(unit.to_protobuf(worker_pb2), timeout=10)
        except grpc.RpcError as error:
            if error.code() not in NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_S)
        else:
            return ContextUnit.from_protobuf(reply)


async def main() -> None:
    """Print the table."""
    rounds: list[list[float]] = []
    async with temporal_server() as server:
        environment = {**server.environment, "WORKER_PORT": str(free_port())}
        for number in range(1, ROUNDS + 1):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                clone(folder)
                gateway = Path(sys.executable).with_name("gateway")
                # A name of its own each round: the gateway has never heard of it.
                with running(gateway, environment, folder):
                    module = f"stock{number}"
                    rounds.append(await asyncio.to_thread(measure, folder, environment, module))
            print(f"round {number} of {ROUNDS} done", file=sys.stderr)
    print(f"| {' | '.join(f'{step}, s' for step in STEPS)} |")
    print(f"|{'---|' * len(STEPS)}")
    columns = list(zip(*rounds, strict=True))
    cells = [f"{statistics.median(c):.1f} ({min(c):.1f}-{max(c):.1f})" for c in columns]
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    asyncio.run(main())
