"""ExecuteCode: one call, one run, and what comes of it as soon as there is something."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
import pytest_asyncio
from gateway_calls import Caller, Refusal, connected, until
from gateway_deployments import deploy
from gateway_tokens import SECRET
from gateway_toys import CodeWorkflow, ToyCode
from gateway_world import token
from temporalio.client import Client, WorkflowHandle

from contextcore import ContextUnit, SecurityScopes
from contextworker.core.announcement import Announcement
from contextworker.core.registry import ModuleConfig, Route
from contextworker.gateway.runs import executing
from contextworker.gateway.runs.executing import Executor
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

pytestmark = pytest.mark.usefixtures("toys")
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hasty(temporal_client: Client) -> AsyncIterator[Caller]:
    """Call a gateway that does not wait for long."""
    async with served(temporal_client, gateway_execute_wait_s=0.2) as caller:
        yield caller


@asynccontextmanager
async def served(client: Client, **settings: Any) -> AsyncIterator[Caller]:
    """Call a gateway with settings of its own, and patience with a busy machine's Temporal."""
    chosen = GatewaySettings(
        port=0, gateway_shutdown_grace_s=1, gateway_temporal_timeout_s=20, **settings
    )
    async with gateway(client, chosen) as port, connected(port) as caller:
        yield caller


def tenant() -> str:
    """Name a tenant of one test's own."""
    return f"t{uuid.uuid4().hex[:8]}"


def code(text: str, **more: Any) -> ContextUnit:
    """Make a unit with code."""
    payload = {"code": text, "tenant_id": tenant()}
    return ContextUnit(payload=payload | more, provenance=["agent:think"])


def run_of(client: Client, reply: dict[str, Any]) -> WorkflowHandle[Any, Any]:
    """Take hold of an execution's run."""
    return client.get_workflow_handle(reply["workflow_id"], run_id=reply["run_id"])


async def test_what_the_code_comes_to_is_the_reply(caller: Caller) -> None:
    """With the ids to look it up by, and as the child of the request."""
    unit = code("1 + 1", language="python", timeout=2.5, inputs={"x": [1, None]})

    reply = await caller.send("ExecuteCode", unit)

    own = {"workflow_id", "run_id"}
    assert {"result": 2, "stdout": "", "stderr": "", "status": "completed"} == {
        key: value for key, value in reply.payload.items() if key not in own
    }
    named = f"execute_code-{unit.payload['tenant_id']}-{unit.unit_id}"
    assert named == reply.payload["workflow_id"]
    assert (unit.unit_id, [*unit.provenance, "gateway:execute_code"]) == (
        reply.parent_unit_id,
        reply.provenance,
    )
    status = await caller.status(reply.payload["workflow_id"])
    assert (reply.payload["run_id"], 2) == (status["run_id"], status["result"]["result"])


async def test_a_unit_runs_its_code_once(
    caller: Caller, hasty: Caller, temporal_client: Client
) -> None:
    """Sent at once, sent again, sent after its end: one run, one answer."""
    unit = code("wait")
    calls = [asyncio.create_task(caller.ask("ExecuteCode", unit)) for _ in range(5)]
    open_run = await hasty.ask("ExecuteCode", unit)
    await run_of(temporal_client, open_run).signal("finish")

    replies = await asyncio.gather(*calls)
    late = await caller.ask("ExecuteCode", unit)
    listed = await until(lambda: _runs(caller, unit), bool)

    assert [late] * 5 == replies
    assert (open_run["run_id"], "completed", 2) == (late["run_id"], late["status"], late["result"])
    assert [(late["workflow_id"], late["run_id"])] == listed


async def test_code_that_is_not_done_in_time_is_followed_like_any_task(
    caller: Caller, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply comes within the caller's deadline, and names the run that goes on."""
    # Of twenty seconds a second to wait in: a busy machine may need more than it mostly has to
    # answer in.
    monkeypatch.setattr(executing, "_MARGIN_S", 19)
    monkeypatch.setattr(executing, "_MARGIN_PART", 0.95)
    reply = await caller.ask("ExecuteCode", code("wait"), timeout=20)

    await run_of(temporal_client, reply).signal("finish")
    status = await caller.status_when(reply["workflow_id"], lambda it: "result" in it)

    assert {"workflow_id", "run_id", "status"} == set(reply)
    assert "running" == reply["status"]
    assert (reply["run_id"], 2) == (status["run_id"], status["result"]["result"])


async def test_a_gateway_waits_no_longer_than_it_is_set_to(
    caller: Caller, hasty: Caller, temporal_client: Client
) -> None:
    """However much time the caller has; the unit sent again waits on."""
    unit = code("wait")
    reply = await hasty.ask("ExecuteCode", unit, timeout=None)

    waiting = asyncio.create_task(caller.ask("ExecuteCode", unit))
    await run_of(temporal_client, reply).signal("finish")
    last = await waiting

    assert "running" == reply["status"]
    assert (reply["run_id"], "completed") == (last["run_id"], last["status"])


async def test_a_gateway_that_stops_tells_where_the_code_runs(
    temporal_client: Client, caller: Caller
) -> None:
    """At once: the run does not need it."""
    unit = code("wait")
    async with AsyncExitStack() as stack:
        settings = GatewaySettings(
            port=0, gateway_shutdown_grace_s=30, gateway_temporal_timeout_s=20
        )
        stopping = await stack.enter_async_context(AsyncExitStack())
        port = await stopping.enter_async_context(gateway(temporal_client, settings))
        leaving = await stack.enter_async_context(connected(port))
        call = asyncio.create_task(leaving.ask("ExecuteCode", unit, timeout=60))
        started = await until(lambda: _runs(caller, unit), bool)

        await stopping.aclose()

        reply = await call
    assert [(reply["workflow_id"], reply["run_id"])] == started
    assert "running" == reply["status"]
    await run_of(temporal_client, reply).terminate()


async def _runs(caller: Caller, unit: ContextUnit) -> list[tuple[str, str]]:
    listed = await caller.ask("ListTasks", {"tenant_id": unit.payload["tenant_id"]})
    return [(it["workflow_id"], it["run_id"]) for it in listed["tasks"]]


async def test_code_that_continues_as_new_is_waited_for(caller: Caller) -> None:
    """To the end of its chain, with the rights of whoever sent it; also when asked again."""
    unit = code("again")

    reply = await caller.ask("ExecuteCode", unit)

    rights = {"subject": "anonymous", "tenant_id": unit.payload["tenant_id"], "permissions": None}
    assert rights == reply["result"]
    assert reply == await caller.ask("ExecuteCode", unit)
    status = await caller.status(reply["workflow_id"])
    assert reply["run_id"] == status["run_id"]


async def test_an_execution_that_went_on_as_another_run_is_told_by_that_one(
    hasty: Caller, temporal_client: Client
) -> None:
    """Which is where it can be asked for."""
    unit = code("again and wait")
    first = await hasty.ask("ExecuteCode", unit)
    await until(lambda: _has_gone_on(temporal_client, first), bool)

    replies = [await hasty.ask("ExecuteCode", unit) for _ in range(2)]
    status = await hasty.status(replies[0]["workflow_id"])

    assert {("running", status["run_id"])} == {(it["status"], it["run_id"]) for it in replies}
    await run_of(temporal_client, replies[0]).terminate()


async def _has_gone_on(client: Client, reply: dict[str, Any]) -> bool:
    described = await client.get_workflow_handle(reply["workflow_id"]).describe()
    info = described.raw_description.workflow_execution_info
    return bool(info.first_run_id != info.execution.run_id)


async def test_code_without_a_worker_is_queued(hasty: Caller, temporal_client: Client) -> None:
    """With the hint that its status has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executing, "EXECUTE_CODE", "execute_nowhere")
        await announce(temporal_client, "execute_nowhere")
        await until(lambda: hasty.ask("ListModules", {}), lambda it: "nowhere" in str(it))

        # It is told as running where it takes a busy Temporal too long to say who polls.
        unit = code("1 + 1")
        reply = await until(
            lambda: hasty.ask("ExecuteCode", unit), lambda it: it["status"] == "queued"
        )

    assert "no worker polls nowhere-tasks; the run starts when one does" == reply["reason"]
    await run_of(temporal_client, reply).terminate()


async def announce(client: Client, workflow_type: str) -> None:
    """Announce a module without workers that would run code."""
    module = ModuleConfig(
        name="nowhere", workflows=[Route(workflow=CodeWorkflow, payload=ToyCode)], activities=[]
    )
    announced = Announcement.of(module)
    route = announced.routes[0].model_copy(update={"workflow_type": workflow_type})
    announced = announced.model_copy(update={"routes": (route,)})
    await deploy(client, "nowhere", "1", announced.to_payload())


@pytest.mark.parametrize(
    ("payload", "violations"),
    [
        pytest.param({}, {"payload.code": "is required"}, id="no_code"),
        pytest.param(
            {"code": "puts 1", "language": "ruby"},
            {"payload.language": 'must be "python", not "ruby"'},
            id="another_language",
        ),
        pytest.param(
            {"code": "1", "workflow_type": "toy"},
            {
                "payload.workflow_type": "must be 'execute_code' or left out: ExecuteCode starts "
                "nothing else"
            },
            id="another_workflow",
        ),
        pytest.param(
            {"code": "1", "timeout": 0, "langauge": "python"},
            {
                "payload.timeout": "must be more than 0, not 0",
                "payload.langauge": "is not a field of this route; did you mean 'language'?",
            },
            id="two_at_once",
        ),
    ],
)
async def test_what_cannot_be_run_is_refused(
    caller: Caller, payload: dict[str, Any], violations: dict[str, str]
) -> None:
    """Every problem at once, and nothing is started."""
    refusal = await caller.refused("ExecuteCode", payload)

    assert (INVALID, violations) == (refusal.code, refusal.violations)


Ending = Callable[[WorkflowHandle[Any, Any]], Any]


@pytest.mark.parametrize(
    ("text", "end", "status", "why"),
    [
        pytest.param("fail", None, "failed", "no interpreter is left", id="failed"),
        pytest.param(
            "wait",
            lambda run: run.terminate(reason="enough"),
            "terminated",
            "the run was terminated: enough",
            id="terminated",
        ),
        pytest.param(
            "wait", lambda run: run.cancel(), "cancelled", "the run was cancelled", id="cancelled"
        ),
        pytest.param(
            "much",
            None,
            "completed",
            "the run completed, but its result of 6.3 MiB is more than a reply of 4 MiB can hold; "
            "Temporal keeps it",
            id="too_large",
        ),
    ],
)
async def test_an_execution_without_a_result_is_an_error(
    hasty: Caller, temporal_client: Client, text: str, end: Ending | None, *, status: str, why: str
) -> None:
    """With the sentence, and the run to look at; the unit sent again ends in the same."""
    unit = code(text)
    if end:
        await end(run_of(temporal_client, await hasty.ask("ExecuteCode", unit)))

    refusal = await _refused(hasty, unit)

    run = refusal.metadata["workflow_id"]
    assert (grpc.StatusCode.ABORTED, "EXECUTION_FAILED") == (refusal.code, refusal.reason)
    assert f"the execution {run!r} left no result: {why}" == refusal.message
    assert {"workflow_id": run, "status": status} == {
        key: value for key, value in refusal.metadata.items() if key != "run_id"
    }
    assert refusal == await _refused(hasty, unit)


async def _refused(caller: Caller, unit: ContextUnit) -> Refusal:
    async def ended() -> Refusal | None:
        try:
            await caller.ask("ExecuteCode", unit)  # which may not wait for long enough
        except Refusal as refusal:
            return refusal
        return None

    refusal: Refusal = await until(ended, bool)
    return refusal


async def test_a_result_that_is_no_unit_is_told(caller: Caller) -> None:
    """As `result`, like in a status."""
    assert "no unit" == (await caller.ask("ExecuteCode", code("plain")))["result"]


async def test_a_result_is_only_for_those_who_may_read_it(temporal_client: Client) -> None:
    """Neither does a call run what its caller may not read, nor tell what another's unit gave."""
    secret = code("1 + 1", tenant_id="acme")
    secret = secret.model_copy(update={"security": SecurityScopes(read=["finance:read"])})
    plain = secret.model_copy(update={"security": SecurityScopes()})
    async with served(temporal_client, gateway_auth_secret=SECRET) as door:
        may_read = door.bearing(
            token(permissions=["worker:execute", "worker:read", "finance:read"])
        )
        may_not = door.bearing(token(permissions=["worker:execute"]))

        early = await may_not.refused("ExecuteCode", secret)
        run = {"workflow_id": f"execute_code-acme-{secret.unit_id}"}
        nothing = await may_read.refused("GetTaskStatus", run)
        reply = await may_read.ask("ExecuteCode", secret)
        late = await may_not.refused("ExecuteCode", plain)

    assert 2 == reply["result"]
    assert ("RUN_NOT_FOUND", run["workflow_id"]) == (nothing.reason, reply["workflow_id"])
    expected = ("SCOPE_MISSING", {"scopes": "finance:read"})
    assert [expected] * 2 == [(it.reason, it.metadata) for it in (early, late)]


async def test_who_goes_away_leaves_no_wait_behind(
    temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The long poll ends with the call, and its slot is free; the run goes on."""
    executors: list[Executor] = []
    made = Executor.__init__

    def noting(self: Executor, *arguments: Any, **more: Any) -> None:
        executors.append(self)
        made(self, *arguments, **more)

    monkeypatch.setattr(Executor, "__init__", noting)
    unit = code("wait")
    async with served(temporal_client, gateway_max_concurrent_calls=1) as caller:
        [executor] = executors

        async def waits() -> int:
            return len(executor._waits)

        call = caller.stub.ExecuteCode(unit.to_protobuf(), timeout=60)
        await until(waits, lambda count: count == 1)
        busy = await caller.refused("ExecuteCode", unit)
        [beside] = await until(lambda: _runs(caller, unit), bool)
        call.cancel()
        await until(waits, lambda count: count == 0)
        reply = await _let_in(caller, unit)

    assert ("TOO_MANY_CALLS", "executions") == (busy.reason, busy.metadata["limit"])
    assert (reply["workflow_id"], reply["run_id"]) == beside
    assert "running" == reply["status"]
    await run_of(temporal_client, reply).terminate()


async def _let_in(caller: Caller, unit: ContextUnit) -> dict[str, Any]:
    async def attempt() -> dict[str, Any] | None:
        try:
            return await caller.ask("ExecuteCode", unit, timeout=1)
        except Refusal:
            return None

    reply: dict[str, Any] = await until(attempt, bool)
    return reply


async def test_code_that_multiplies_comes_to_an_end(temporal_client: Client) -> None:
    """At the tenant's bound; other tenants, and units that have their run, do not notice."""
    first, other = code("wait", workflow_type="execute_code"), code("1 + 1")
    tenant_id = first.payload["tenant_id"]
    async with served(temporal_client, gateway_max_executions=2) as caller:

        async def counted(number: int) -> None:
            # A second after the last count the gateway counts anew, by what Temporal lists.
            await until(lambda: _runs(caller, first), lambda listed: len(listed) == number)

        begun = await caller.ask("StartWorkflow", first)
        more = {"workflow_type": "execute_code", "code": "wait", "tenant_id": tenant_id}
        runs = [begun["workflow_id"]]
        try:
            await counted(1)
            runs.append((await caller.ask("StartWorkflow", more))["workflow_id"])
            await counted(2)
            refusal = await caller.refused("StartWorkflow", more)
            again = await caller.ask("StartWorkflow", first)
            untouched = await caller.ask("ExecuteCode", other)
        finally:
            for workflow_id in runs:
                await caller.ask("CancelTask", {"workflow_id": workflow_id})
        brief = more | {"code": "1 + 1"}

        async def runs_again() -> str:
            try:
                return str((await caller.ask("ExecuteCode", brief))["status"])
            except Refusal as refused:
                return refused.reason

        await until(runs_again, lambda status: status == "completed")
    assert "TOO_MANY_EXECUTIONS" == refusal.reason
    assert refusal.retry_after_s is None
    assert begun["run_id"] == again["run_id"]
    assert 2 == untouched["result"]
