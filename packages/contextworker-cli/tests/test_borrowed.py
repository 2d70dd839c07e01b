"""The demo on a Temporal server that somebody else runs."""

import asyncio

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from contextworker.cli.errors import StackError
from contextworker.cli.stack.borrowed import refuse_shared_queues
from contextworker.core.testing import temporal_server


@workflow.defn
class Theirs:
    """A workflow of somebody else's worker."""

    @workflow.run
    async def run(self) -> None:
        """Do nothing."""


async def test_queues_that_others_poll_are_not_shared() -> None:
    """A demo beside their workers would lose their work, so it is refused; without them, not."""
    async with temporal_server() as server:
        environ = server.environment
        await refuse_shared_queues(["gardener", "harvest"], environ)
        client = await Client.connect(environ["TEMPORAL_ADDRESS"])
        async with Worker(
            client,
            task_queue="harvest-tasks",
            workflows=[Theirs],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            with pytest.raises(StackError, match="namespace 'default' already") as caught:
                await _until_seen(environ)
    assert "TEMPORAL_NAMESPACE" in caught.value.details[0]


async def test_a_server_that_does_not_answer_is_said_at_once() -> None:
    """A wrong TEMPORAL_ADDRESS is not a minute of waiting for the gateway."""
    with pytest.raises(StackError, match=r"127\.0\.0\.1:1, which TEMPORAL_ADDRESS names, does not"):
        await refuse_shared_queues(["harvest"], {"TEMPORAL_ADDRESS": "127.0.0.1:1"})


async def test_a_namespace_that_is_not_there_is_said() -> None:
    """The server's own words reach the person."""
    async with temporal_server() as server:
        with pytest.raises(StackError, match="refuses: Namespace nope is not found"):
            await refuse_shared_queues(
                ["harvest"], {**server.environment, "TEMPORAL_NAMESPACE": "nope"}
            )


async def _until_seen(environ: dict[str, str]) -> None:
    async with asyncio.timeout(60):  # a poll shows once the server has it
        while True:
            await refuse_shared_queues(["harvest"], environ)
