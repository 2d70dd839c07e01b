"""Trainings survive their workers, and never outlive them: real processes, killed."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from gardener_runs import gardener_process, serves, until
from temporalio.client import Client

from contextworker.brain import Brain
from contextworker.core.client import AsyncWorkerClient
from contextworker.core.objects import ObjectStore
from contextworker.core.testing import TemporalServer
from contextworker.gardener.training import program
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings


@pytest_asyncio.fixture(loop_scope="session")
async def caller(client: Client) -> AsyncIterator[AsyncWorkerClient]:
    """A gateway before whatever worker there is."""
    settings = GatewaySettings(port=0, gateway_shutdown_grace_s=1, gateway_route_refresh_min_s=0.1)
    async with (
        gateway(client, settings) as port,
        AsyncWorkerClient(f"127.0.0.1:{port}") as caller,
    ):
        yield caller


def trainings_of(worker: int) -> list[psutil.Process]:
    """Return the processes that train for a worker."""
    return [
        child
        for child in psutil.Process(worker).children()
        if program.__name__ in " ".join(child.cmdline())
    ]


def test_a_training_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """A killed worker closes nothing in good order; its end of the pipe is closed all the same.

    What stood in the folder, people's examples, does not stay behind.
    """
    folder = tmp_path / "training"
    folder.mkdir()
    (folder / program.TASK).write_text("ner")
    os.mkfifo(folder / program.EXAMPLES)  # it waits for what is never written
    starter = (
        "import subprocess, sys, time\n"
        f"command = [sys.executable, '-m', {program.__name__!r}, {str(folder)!r}]\n"
        "child = subprocess.Popen(command, stdin=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    started = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    training = psutil.Process(int(started.stdout.readline()))

    started.kill()
    started.wait()
    started.stdout.close()

    training.wait(60)
    assert not folder.exists()


async def test_a_training_that_fails_meanwhile_is_removed_whole(tmp_path: Path) -> None:
    """Files that are gone already may be what it fails for; its end waits for the others."""
    folder = tmp_path / "training"
    folder.mkdir()
    for number in range(3000):  # to remove them takes a moment
        (folder / f"{number}").touch()
    os.mkfifo(folder / program.TASK)
    task = os.open(folder / program.TASK, os.O_RDWR)  # to write alone would wait for a reader
    opened = os.open(folder, os.O_RDONLY)  # of what is gone by its name, too
    untouched = os.fstat(opened).st_mtime_ns

    async def is_removing() -> bool:
        return os.fstat(opened).st_mtime_ns != untouched

    # Whoever started it is gone: its standard input ends at once.
    training = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", program.__name__, folder), stdin=asyncio.subprocess.DEVNULL
    )
    await until(is_removing)
    os.write(task, b"\xff")  # no text: it fails at once
    await training.wait()
    os.close(task)
    os.close(opened)

    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_training_survives_the_kill_of_its_worker(
    *,
    caller: AsyncWorkerClient,
    brain: Brain,
    objects: ObjectStore,
    temporal: TemporalServer,
    environment: dict[str, str],
) -> None:
    """The next worker comes to the same model; the first one's process is gone."""
    variables = environment | temporal.environment
    brands = [f"Brand{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(60)]
    lines = "".join(
        json.dumps({"name": f"{brand} lamp {number} new", "label": {"brand": brand}}) + "\n"
        for number in range(25)
        for brand in brands
    )
    file = await objects.put(lines.encode(), prefix="acme/gardener/examples")
    fields = {"tenant_id": "acme", "task": "ner", "examples": file.model_dump()}

    with gardener_process(variables) as first:
        await until(partial(serves, caller), timeout_s=100)
        task = await caller.start("gardener_train", fields)
        async with asyncio.timeout(60):
            while not (running := trainings_of(first.pid)):
                await asyncio.sleep(0.02)
        first.kill()
        first.wait()
    for training in running:
        training.wait(60)
    with gardener_process(variables):
        report = await task.result(timeout=300)
        again = await (await caller.start("gardener_train", fields)).result(timeout=150)

    assert (True, 1500) == (report["replaced"], report["examples"])
    assert [report["version"]] == [model.version for model in await brain.list_models("acme")]
    assert "it is the current model: the examples are the same" == again["reason"]
