"""Long programs: in one run of the workflow after another, on one worker after another."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sandbox_errands import errands
from sandbox_programs import Programs, until
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.client import AsyncTask, InvalidRequestError
from contextworker.core.testing import running, server
from contextworker.core.testing.fixtures import RecordHistory
from contextworker.core.worker import shared_modules
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.sandbox.module import module


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def impatient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Programs]:
    """Programs on a server that finds histories long soon; no worker of the sandbox runs yet."""
    suggest = "--dynamic-config-value=limit.historyCount.suggestContinueAsNew=20"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "SERVER_FLAGS", (*server.SERVER_FLAGS, suggest))
        async with server.temporal_server() as temporal:
            client: Client = await temporal.connect(*shared_modules([module]))
            settings = GatewaySettings(port=0, gateway_shutdown_grace_s=1)
            store = (tmp_path_factory.mktemp("runs") / "objects").as_uri()
            async with (
                gateway(client, settings) as port,
                Programs.of(port, client, store) as opened,
            ):
                patch.setenv("WORKER_ADDRESS", f"127.0.0.1:{port}")
                patch.setenv("CONTEXTWORKER_STORE_URL", store)
                async with running(client, errands):
                    yield opened


async def run_ids(programs: Programs, task: AsyncTask) -> list[str]:
    """List the program's runs from the first on, as each names the next: lists may lag behind."""
    found, following = [], task.run_id
    while following:
        found.append(following)
        history = await programs.handle(task, run_id=following).fetch_history()
        ended = history.events[-1].workflow_execution_continued_as_new_event_attributes
        following = ended.new_execution_run_id
    return found


async def begins(programs: Programs, task: AsyncTask, run_id: str) -> str:
    """Say where in the program a run begins."""
    history = await programs.handle(task, run_id=run_id).fetch_history()
    sent = history.events[0].workflow_execution_started_event_attributes.input.payloads
    [unit] = await programs.temporal.data_converter.decode(sent, [ContextUnit])
    so_far = unit.payload.get("so_far")
    if so_far is None:
        return "at its start"
    return "at a call" if so_far["waited"] is None else "in a wait"


async def test_a_long_program_continues_as_new(
    impatient: Programs, record_history: RecordHistory
) -> None:
    """Between calls and in the middle of a wait; all that it came to by then goes along."""
    async with running(impatient.temporal, module):
        task = await impatient.start(
            """
            id = start_workflow('endless')
            for n in range(5):
                print(task_status(id)['workflow_id'] == id)
            try:
                wait_for(id, timeout=5)
            except TimeoutError as error:
                print('late')
            wait_for(start_workflow('errand', name='later'))['result']['tenant']
            """
        )
        result = await task.result()

    assert ("acme", "True\n" * 5 + "late\n") == (result["result"], result["stdout"])
    assert (9, 9) == (result["calls_made"], len(result["calls"]))
    assert [] == impatient.snapshots()
    runs = await run_ids(impatient, task)
    began = {await begins(impatient, task, run_id) for run_id in runs}
    assert {"at its start", "at a call", "in a wait"} == began
    for run_id in runs:
        await impatient.replay(task, run_id=run_id)
    first = impatient.handle(task, run_id=task.run_id)
    await record_history(first, module, "continues")
    await record_history(impatient.handle(task, run_id=runs[-1]), module, "continued")


async def test_callers_cannot_say_what_came_before(impatient: Programs) -> None:
    """What a run hands to the next is nothing that a request may hold."""
    async with running(impatient.temporal, module):
        with pytest.raises(InvalidRequestError, match="so_far"):
            await impatient.start("1 + 1", so_far="{}")


async def test_another_worker_takes_a_program_over(impatient: Programs) -> None:
    """Its variables are in the object store, not in the process that it ran in."""
    async with running(impatient.temporal, module):
        task = await impatient.start(
            """
            kept = {'tents': [1, 2, 3]}
            sleep(1)
            kept['tents']
            """
        )

        async def sleeps() -> bool:
            return bool(impatient.snapshots(task.run_id))

        await until(sleeps)
    async with running(impatient.temporal, module):
        result = await task.result()

    assert [1, 2, 3] == result["result"]
    assert [] == impatient.snapshots(task.run_id)
