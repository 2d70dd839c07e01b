"""Starting and looking at tasks in somebody's name, at a real gateway before a real Temporal."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import greeter
import jwt
import pytest
import pytest_asyncio
from temporalio.api.failure.v1 import Failure
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.testing import ActivityEnvironment

from contextcore import ContextUnit, SecurityScopes
from contextworker.core.caller import CallerRights
from contextworker.core.client import (
    AsyncWorkerClient,
    CertificateError,
    ClientError,
    GatewayFaultError,
    InvalidRequestError,
    PermissionDeniedError,
    ResourceExhaustedError,
    TooLargeError,
    UnavailableError,
)
from contextworker.core.errors import TransientError
from contextworker.core.testing import running
from contextworker.core.testing.server import TemporalServer, free_port
from contextworker.core.worker import shared_modules
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.sandbox.activities.calls import Calls
from contextworker.sandbox.messages import Answer, TaskQuestion, TaskStart, ToolError
from contextworker.sandbox.tools.refusals import refusal_of

SECRET = "correct horse battery staple, and then some more"
BOTH = ("worker:execute", "worker:read")
ADA = CallerRights(subject="ada", tenant_id="acme", permissions=BOTH)
EVE = CallerRights(subject="eve", tenant_id="globex", permissions=BOTH)


def token(**changed: Any) -> str:
    """Make the token of a sandbox's worker, which acts for two tenants."""
    claims = {
        "sub": "sandbox",
        "exp": time.time() + 3600,
        "tenants": ["acme", "globex"],
        "permissions": [*BOTH, "tents:write"],
    }
    return jwt.encode(claims | changed, SECRET, "HS256")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(temporal: TemporalServer) -> AsyncIterator[str]:
    """Run a gateway that takes tokens, and a module that greets."""
    client: Client = await temporal.connect(*shared_modules([greeter.module]))
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=0,
        gateway_route_refresh_min_s=0.1,
        gateway_auth_secret=SECRET,
    )
    async with running(client, greeter.module), gateway(client, settings) as port:
        address = f"127.0.0.1:{port}"
        async with AsyncWorkerClient(address, token=token()) as asking, asyncio.timeout(30):
            while "greeter" not in [module.name for module in await asking.modules()]:
                await asyncio.sleep(0.05)
        yield address


@asynccontextmanager
async def calling(
    address: str, *, attempts: int | None = None, **changed: Any
) -> AsyncIterator[Calls]:
    """Open the activities, with a token that may be changed."""
    async with AsyncWorkerClient(
        address, token=token(**changed), timeout=30, attempts=attempts
    ) as client:
        yield Calls(client, {})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def calls(address: str) -> AsyncIterator[Calls]:
    """Open the activities."""
    async with calling(address) as calls:
        yield calls


def unit(name: str = "Ada", *, scopes: Sequence[str] = (), **fields: Any) -> ContextUnit:
    """Make what the workflow sends for `start_workflow`."""
    return ContextUnit(
        payload={"workflow_type": "greet", "name": name} | fields,
        provenance=["worker:sandbox"],
        security=SecurityScopes(write=list(scopes)),
    )


async def start(calls: Calls, unit: ContextUnit, rights: CallerRights = ADA) -> Answer:
    """Start a task."""
    return await ActivityEnvironment().run(calls.start_task, TaskStart(rights=rights, unit=unit))


async def status(
    calls: Calls, workflow_id: str, rights: CallerRights = ADA, *, answer_bytes: int = 10_000
) -> Answer:
    """Ask about a task."""
    question = TaskQuestion(rights=rights, workflow_id=workflow_id, answer_bytes=answer_bytes)
    return await ActivityEnvironment().run(calls.task_status, question)


async def ended(calls: Calls, workflow_id: str) -> dict[str, Any]:
    """Ask about a task until it has ended."""
    async with asyncio.timeout(30):
        while True:
            answer = await status(calls, workflow_id)
            assert isinstance(answer.value, dict), answer
            if answer.value["status"] not in {"queued", "running"}:
                return answer.value
            await asyncio.sleep(0.05)


def value(answer: Answer) -> dict[str, Any]:
    """Return an answer's value, which is an object."""
    assert isinstance(answer.value, dict), answer
    return answer.value


def refused(kind: str, message: str) -> Answer:
    """Make the answer that is an exception in the code."""
    return Answer(error=ToolError(type=kind, message=message))


async def test_a_task_is_started_once_and_looked_at(calls: Calls) -> None:
    """The same unit is the same run, at whatever attempt; its status is the gateway's."""
    one = unit("once")
    first = value(await start(calls, one))
    assert {"workflow_id": "greet-acme-once"} == {
        name: told for name, told in first.items() if name != "run_id"
    }
    found = await ended(calls, first["workflow_id"])
    assert ("completed", first["run_id"], {"greeting": "hello, once"}) == (
        found["status"],
        found["run_id"],
        found["result"],
    )
    assert first == value(await start(calls, one))


@pytest.mark.parametrize(
    ("payload", "kind", "message"),
    [
        ({"name": 5}, "ValueError", "payload.name"),
        ({"colour": "red"}, "ValueError", "colour"),
        ({"tenant_id": "a b"}, "PermissionError", "starts nothing for 'a b'"),
        ({"tenant_id": "globex"}, "PermissionError", "this code runs for the tenant 'acme', and"),
        ({"workflow_type": "fly"}, "LookupError", "no module serves the workflow type 'fly'"),
        ({"name": 2**60}, "ValueError", "payload.name: is an integer beyond ±2^53"),
    ],
    ids=["type", "unknown", "no-tenant", "tenant", "workflow-type", "integer"],
)
async def test_a_refusal_is_raised_in_the_code(
    calls: Calls, payload: dict[str, Any], kind: str, message: str
) -> None:
    """As the exception that fits, in the gateway's words: trying again would not help."""
    answer = await start(calls, unit(**payload))
    assert answer.error is not None
    assert (kind, True) == (answer.error.type, message in answer.error.message), answer.error


async def test_what_the_caller_may_not_code_may_not(calls: Calls) -> None:
    """Though the worker's own token permits it."""
    reader = CallerRights(subject="bob", tenant_id="acme", permissions=("worker:read",))
    nobody = CallerRights(subject="bob", tenant_id="acme", permissions=())
    takes = "takes the permission 'worker:{}', which the token of 'bob' does not have"
    assert refused("PermissionError", f"start_workflow() {takes.format('execute')}") == await start(
        calls, unit(), reader
    )
    assert refused("PermissionError", f"task_status() {takes.format('read')}") == await status(
        calls, "w", nobody
    )


async def test_the_gateway_narrows_to_the_callers_tenant(calls: Calls) -> None:
    """Another tenant's task is like one that never was, though the worker acts for both."""
    started = value(await start(calls, unit("hidden")))
    answer = await status(calls, started["workflow_id"], EVE)
    assert answer.error is not None
    assert "LookupError" == answer.error.type
    assert answer.error.message.startswith("there is no run 'greet-acme-hidden'")
    assert "greet-globex-hidden" == value(await start(calls, unit("hidden"), EVE))["workflow_id"]


async def test_the_gateway_narrows_to_the_callers_scopes(calls: Calls) -> None:
    """What the unit asks for is looked for among the caller's, not the worker's."""
    answer = await start(calls, unit(scopes=["tents:write"]))
    assert answer.error is not None
    assert ("PermissionError", True) == (answer.error.type, "tents:write" in answer.error.message)


async def test_a_result_that_is_too_large_is_left_out(calls: Calls) -> None:
    """Code must be able to see that the task is done."""
    started = value(await start(calls, unit("x" * 600)))
    await ended(calls, started["workflow_id"])
    found = value(await status(calls, started["workflow_id"], answer_bytes=1200))
    assert ("completed", False) == (found["status"], "result" in found)
    assert "the result takes 622 bytes, and what a call answers may take 1,200" == found["reason"]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"exp": 1}, "set WORKER_TOKEN there to a token that it takes: "),
        ({"permissions": ["worker:read"]}, "WORKER_TOKEN the permission 'worker:execute': "),
        ({"tenants": ["globex"]}, "WORKER_TOKEN the tenant 'acme': "),
    ],
    ids=["expired", "permission", "tenant"],
)
async def test_what_is_wrong_with_the_workers_token_is_its_operators(
    address: str, changed: dict[str, Any], problem: str
) -> None:
    """The code waits, and whoever looks at its status reads what to mend."""
    async with calling(address, **changed) as calls:
        with pytest.raises(TransientError) as caught:
            await start(calls, unit())
    assert problem in str(caught.value)
    assert address in str(caught.value)


async def test_scopes_that_only_the_workers_token_lacks_are_its_operators(address: str) -> None:
    """As are permissions."""
    rights = ADA.model_copy(update={"permissions": (*BOTH, "tents:read")})
    async with calling(address) as calls:
        with pytest.raises(TransientError, match=r"WORKER_TOKEN the scopes 'tents:read': "):
            await start(calls, unit(scopes=["tents:read"]), rights)


MOST_FAILURE_BYTES = 4096
"""Of a longer failure, Temporal tells who looks at the run only that it is too long."""


def _failure_bytes(error: Exception) -> int:
    failure, converter = Failure(), DataConverter.default
    converter.failure_converter.to_failure(error, converter.payload_converter, failure)
    return failure.ByteSize()


async def test_a_gateway_that_is_away_is_asked_again() -> None:
    """The sentence says where it was looked for, and what tells where."""
    address = f"127.0.0.1:{free_port()}"
    async with calling(address, attempts=1) as calls:
        with pytest.raises(TransientError) as caught:
            await status(calls, "w")
    assert str(caught.value).startswith(f"no gateway answers at {address}")
    assert str(caught.value).endswith("calls the gateway that its WORKER_ADDRESS names")
    assert _failure_bytes(caught.value) < MOST_FAILURE_BYTES


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TooLargeError("much"), refused("ValueError", "much")),
        (InvalidRequestError("wrong"), refused("ValueError", "wrong")),
        (ResourceExhaustedError("all"), refused("RuntimeError", "all")),
        (PermissionDeniedError("no"), refused("PermissionError", "no")),
    ],
    ids=["large", "invalid", "exhausted", "denied"],
)
def test_what_will_not_pass_is_raised_in_the_code(error: ClientError, expected: Answer) -> None:
    """It is about what the code asked for."""
    assert expected == refusal_of(error, ADA, "gateway:50052")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ResourceExhaustedError("slow down", reason="RATE_LIMITED", retry_after_s=1), "slow down"),
        (UnavailableError("no Temporal", reason="TEMPORAL_UNAVAILABLE"), "no Temporal"),
        (
            CertificateError("no trust"),
            "no trust; the sandbox's worker is told how by WORKER_TLS and WORKER_TLS_…",
        ),
        (
            GatewayFaultError("a fault"),
            "a fault; the sandbox's worker calls the gateway that its WORKER_ADDRESS names",
        ),
    ],
    ids=["busy", "temporal", "certificate", "fault"],
)
def test_what_may_pass_is_tried_again(error: ClientError, message: str) -> None:
    """And is none of the code's business."""
    with pytest.raises(TransientError) as caught:
        refusal_of(error, ADA, "gateway:50052")
    assert message == str(caught.value)
