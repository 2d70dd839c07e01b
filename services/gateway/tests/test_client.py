"""The client of core against a real gateway: a task's whole life, and a gateway that is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import jwt
import pytest
import trustme
from gateway_calls import Caller, until
from gateway_tokens import SECRET, claims
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.client import (
    TLS,
    AsyncWorkerClient,
    InvalidRequestError,
    PermissionDeniedError,
    Schedule,
    ScheduleInfo,
    ScheduleNotFoundError,
    TaskCancelledError,
    TaskFailedError,
    TaskNotFoundError,
    UnauthenticatedError,
    UnknownWorkflowTypeError,
    WorkerClient,
)
from contextworker.core.testing import TemporalServer
from contextworker.core.testing.server import free_port
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings


@pytest.fixture
async def client(caller: Caller) -> AsyncIterator[AsyncWorkerClient]:
    """A client of the session's gateway."""
    async with AsyncWorkerClient(f"127.0.0.1:{caller.port}", service="tests") as client:
        yield client


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test has."""
    return f"t{uuid.uuid4().hex[:8]}"


@contextmanager
def gateway_process(temporal: TemporalServer, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a gateway in a process of its own, to be killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "contextworker.gateway"],
        env=os.environ | temporal.environment | {"WORKER_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_task_from_start_to_result(
    client: AsyncWorkerClient, toys: None, temporal_client: Client, tenant: str
) -> None:
    """Each state is told once, and the result is what the workflow returned."""
    task = await client.start("toy", supplier_code="wait", tenant_id=tenant)
    states: list[str] = []
    told = False
    async for status in task.watch(timeout=60):
        states.append(status.status)
        if status.progress and not told:
            told = True
            assert ("fetch", 1, 10) == (
                status.progress.stage,
                status.progress.done,
                status.progress.total,
            )
            await temporal_client.get_workflow_handle(task.workflow_id).signal("finish")
    # Of a run that waits for its worker for seconds, the busiest machine's is told as queued.
    assert ["running", "completed"] == [state for state in states if state != "queued"][-2:]
    assert {"done": True, "nothing": None} == await task.result(timeout=60)


async def test_the_sync_client_does_the_same(caller: Caller, toys: None, tenant: str) -> None:
    """A service without asyncio."""

    def work() -> object:
        with WorkerClient(f"127.0.0.1:{caller.port}", service="tests") as client:
            return client.start("toy", supplier_code="done", tenant_id=tenant).result(timeout=60)

    assert {"done": True, "nothing": None} == await asyncio.to_thread(work)


async def test_the_same_unit_is_the_same_task_also_when_it_has_ended(
    client: AsyncWorkerClient, toys: None, tenant: str
) -> None:
    """The unit's id is the key."""
    unit = ContextUnit(
        payload={"workflow_type": "toy", "supplier_code": "done", "tenant_id": tenant}
    )
    first = await client.start(unit)
    await first.result(timeout=60)
    again = await client.start(unit)
    assert first.run_id == again.run_id


async def test_a_task_that_is_cancelled_says_so(
    client: AsyncWorkerClient, toys: None, tenant: str
) -> None:
    """Whoever waits for its result learns it by an error of its own."""
    task = await client.start("toy", supplier_code="wait", tenant_id=tenant)
    cancelled = await task.cancel(reason="changed my mind")
    assert "cancelling" == cancelled.status
    with pytest.raises(TaskCancelledError, match="was cancelled"):
        await task.result(timeout=60)
    assert "cancelled" == (await task.cancel()).status


async def test_a_task_that_fails_says_why(
    client: AsyncWorkerClient, toys: None, tenant: str
) -> None:
    """The sentence is the module's own."""
    task = await client.start("toy", supplier_code="permanent", tenant_id=tenant)
    with pytest.raises(TaskFailedError, match="the supplier is out of tents") as caught:
        await task.result(timeout=60)
    assert caught.value.status is not None
    assert caught.value.status.error is not None
    assert "OutOfTentsError" == caught.value.status.error.type


async def test_refusals_are_of_their_kinds(client: AsyncWorkerClient, toys: None) -> None:
    """What a real gateway refuses, the client reads."""
    with pytest.raises(UnknownWorkflowTypeError, match="no module serves"):
        await client.start("nobody_knows")
    with pytest.raises(InvalidRequestError) as caught:
        await client.start("toy", supplier_code="")
    assert ["payload.supplier_code"] == [item.field for item in caught.value.violations]
    with pytest.raises(TaskNotFoundError):
        await client.result("toy-nobody-nothing", timeout=60)


async def test_tasks_and_modules_are_listed(
    client: AsyncWorkerClient, toys: None, tenant: str
) -> None:
    """All pages, whatever their size."""
    since = datetime.now(UTC) - timedelta(minutes=1)
    ids = set()
    for code in ("a", "b", "c"):
        task = await client.start("toy", supplier_code=code, tenant_id=tenant)
        await task.result(timeout=60)
        ids.add(task.workflow_id)

    async def listed() -> set[str]:
        tasks = client.tasks(status="completed", started_after=since, tenant_id=tenant, page_size=2)
        return {task.workflow_id async for task in tasks}

    await until(listed, lambda found: found == ids)
    (toys_module,) = [module for module in await client.modules() if module.name == "toys"]
    served = {route.workflow_type for route in toys_module.routes}
    assert {"toy", "toy_plain", "toy_agent", "execute_code"} == served


async def test_a_program_is_waited_for_beyond_the_gateways_patience(
    caller: Caller, toys: None, temporal_client: Client, tenant: str
) -> None:
    """Done at once or later, it is the same reply; a run without a result is an error."""
    address = f"127.0.0.1:{caller.port}"
    async with AsyncWorkerClient(address, attempt_timeout=2) as client:
        assert 2 == (await client.execute("1 + 1", tenant_id=tenant)).result
        running = await client.execute("wait", tenant_id=tenant, wait=False)
        assert running.status in ("running", "queued")  # until the worker has had time to take it
        assert not running.done
        waiting = asyncio.create_task(client.execute("wait", tenant_id=tenant, timeout=60))

        async def still_open() -> set[str]:
            tasks = client.tasks(status="running", tenant_id=tenant)
            return {task.workflow_id async for task in tasks}

        ids: set[str] = await until(still_open, lambda found: len(found) == 2)
        for workflow_id in ids:
            await temporal_client.get_workflow_handle(workflow_id).signal("finish")
        done = await waiting
        assert ("completed", 2, ids) == (done.status, done.result, ids | {done.workflow_id})
        with pytest.raises(TaskFailedError, match="no interpreter is left"):
            await client.execute("fail", tenant_id=tenant)


async def test_a_schedule_from_registering_to_deleting(
    client: AsyncWorkerClient, toys: None, tenant: str
) -> None:
    """The same set again changes nothing; a triggered run is a task like any other."""
    yearly = Schedule(
        schedule_id="yearly",
        workflow_type="toy",
        cron="0 0 1 1 *",
        payload={"supplier_code": "done"},
    )
    first = await client.schedules.register([yearly], tenant_id=tenant)
    again = await client.schedules.register([yearly], tenant_id=tenant)
    assert ((1, 0), (0, 1)) == ((first.created, first.unchanged), (again.created, again.unchanged))
    assert (await client.schedules.pause("yearly", tenant_id=tenant)).paused

    async def listed() -> list[ScheduleInfo]:
        return [schedule async for schedule in client.schedules.list(tenant_id=tenant)]

    (found,) = await until(listed, bool)  # Temporal lists a new one a moment late
    assert (True, "0 0 1 1 *", ()) == (found.paused, found.cron, found.next_runs)
    assert not (await client.schedules.resume("yearly", tenant_id=tenant)).paused
    triggered = await client.schedules.trigger("yearly", tenant_id=tenant)
    if triggered.workflow_id:  # it started within the gateway's patience
        result = await client.result(triggered.workflow_id, timeout=60)
        assert {"done": True, "nothing": None} == result
    await client.schedules.delete("yearly", tenant_id=tenant)
    with pytest.raises(ScheduleNotFoundError):
        await client.schedules.delete("yearly", tenant_id=tenant)


async def test_a_token_over_tls_is_for_its_tenant(
    temporal_client: Client, toys: None, tenant: str, tmp_path: Path
) -> None:
    """What a token does not allow is refused by its kind; another tenant's task is none at all."""
    ca = trustme.CA()
    own = ca.issue_cert("127.0.0.1")
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    own.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    own.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=1,
        gateway_auth_secret=SECRET,
        gateway_tls_cert_file=tmp_path / "cert.pem",
        gateway_tls_key_file=tmp_path / "key.pem",
    )

    def token(*permissions: str, of: str) -> str:
        body = claims(iss=None, aud=None, tenants=[of], permissions=list(permissions))
        return jwt.encode(body, SECRET, "HS256")

    async with gateway(temporal_client, settings) as port, AsyncExitStack() as stack:

        def of(bearer: str | None) -> AsyncWorkerClient:
            tls = TLS(ca_file=tmp_path / "ca.pem")
            client = AsyncWorkerClient(f"127.0.0.1:{port}", token=bearer, tls=tls)
            stack.push_async_callback(client.close)
            return client

        ours = of(token("worker:execute", "worker:read", of=tenant))
        task = await ours.start("toy", supplier_code="done")
        await task.result(timeout=60)
        with pytest.raises(UnauthenticatedError):
            await of(None).modules()
        with pytest.raises(PermissionDeniedError) as caught:
            await ours.start("toy", supplier_code="done", tenant_id="somebody-else")
        with pytest.raises(TaskNotFoundError):
            await of(token("worker:read", of="somebody-else")).status(task.workflow_id)
        with pytest.raises(PermissionDeniedError):
            await of(token("worker:read", of=tenant)).start("toy", supplier_code="done")
    assert task.workflow_id.startswith(f"toy-{tenant}-")
    assert "TENANT_DENIED" == caught.value.reason


@pytest.mark.slow
@pytest.mark.timeout(300)  # a busy machine takes long to start two gateways
async def test_a_gateway_killed_under_a_watch_is_not_noticed(
    temporal: TemporalServer, temporal_client: Client, toys: None, tenant: str
) -> None:
    """Kill -9, and another gateway on the port: the start stays one, the watch goes on."""
    port = free_port()
    async with AsyncWorkerClient(f"127.0.0.1:{port}", timeout=120) as client:
        with gateway_process(temporal, port) as doomed:
            task = await client.start("toy", supplier_code="wait", tenant_id=tenant)
            states = task.watch(timeout=120)
            seen = [await anext(states)]
            doomed.send_signal(signal.SIGKILL)
            doomed.wait()
        again = asyncio.create_task(client.start(task.unit))
        with gateway_process(temporal, port):
            assert task.run_id == (await again).run_id
            await temporal_client.get_workflow_handle(task.workflow_id).signal("finish")
            seen += [status async for status in states]
    assert "completed" == seen[-1].status
    # A run that was told before its worker answered may be told again with its progress.
    told = [(status.status, status.progress, status.reason) for status in seen]
    assert all(one != another for one, another in pairwise(told))
