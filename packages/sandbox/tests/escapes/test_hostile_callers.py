"""Callers who want more than their tokens give: through code, with a gateway that takes tokens."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import pytest
import pytest_asyncio
from sandbox_errands import errands

from contextcore import ContextUnit, SecurityScopes
from contextworker.core.client import (
    AsyncWorkerClient,
    ClientError,
    InvalidRequestError,
    PermissionDeniedError,
)
from contextworker.core.testing import running, temporal_server
from contextworker.core.worker import shared_modules
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.sandbox.module import module

pytestmark = pytest.mark.slow  # seconds for a system of its own; test_calls.py has each rule

_SECRET = "correct horse battery staple, and then some more"
_BOTH = ["worker:execute", "worker:read"]


def _token(*permissions: str, tenants: tuple[str, ...] = ("acme",)) -> str:
    claims = {
        "sub": "mallory",
        "exp": time.time() + 3600,
        "tenants": list(tenants),
        "permissions": list(permissions or _BOTH),
    }
    return jwt.encode(claims, _SECRET, "HS256")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Run a gateway that takes tokens, and a sandbox whose own token is stronger than any."""
    with pytest.MonkeyPatch.context() as patch:
        store = (tmp_path_factory.mktemp("guarded") / "objects").as_uri()
        patch.setenv("CONTEXTWORKER_STORE_URL", store)
        patch.setenv("CONTEXTWORKER_SANDBOX_PROCESSES", "2")
        patch.setenv("WORKER_TOKEN", _token("worker:admin", "finance:read", tenants=("*",)))
        async with temporal_server() as temporal:
            client = await temporal.connect(*shared_modules([module, errands]))
            settings = GatewaySettings(
                port=0,
                gateway_shutdown_grace_s=1,
                gateway_route_refresh_min_s=0.1,
                gateway_auth_secret=_SECRET,
            )
            async with gateway(client, settings) as port:
                patch.setenv("WORKER_ADDRESS", f"127.0.0.1:{port}")
                async with running(client, module, errands):
                    yield f"127.0.0.1:{port}"


@asynccontextmanager
async def _calling(address: str, token: str) -> AsyncIterator[AsyncWorkerClient]:
    async with AsyncWorkerClient(address, token=token) as client:
        yield client


async def _said(address: str, token: str, expression: str, **inputs: Any) -> Any:
    """Return what an expression comes to in code, or the exception that it raises."""
    code = (
        f"try:\n    said = {expression}\nexcept Exception as error:\n    said = repr(error)\nsaid"
    )
    async with _calling(address, token) as client:
        run = await client.execute(code, inputs=inputs or None, tenant_id="acme")
    assert run.error is None
    return run.result


@pytest.mark.parametrize(
    "tenant_id",
    ["globex", "Acme", "acme ", "\u0430cme", "acme\u200b", "*", "", "../globex", None, 5],
)
async def test_code_addresses_no_second_tenant(guarded: str, tenant_id: Any) -> None:
    """Whatever tenants the token is for: an execution is for one."""
    token = _token(tenants=("acme", "globex", "Acme"))
    expression = "start_workflow('errand', name='theirs', tenant_id=tenant_id)"

    said = await _said(guarded, token, expression, tenant_id=tenant_id)

    assert said.startswith("PermissionError")


async def test_who_may_only_execute_reads_nothing(guarded: str) -> None:
    """Not by code either, though the worker's own token may read everything."""
    said = await _said(
        guarded, _token("worker:execute"), "wait_for(start_workflow('errand', name='mine'))"
    )

    assert "PermissionError" in said
    assert "'worker:read'" in said


async def test_who_may_only_read_executes_nothing(guarded: str) -> None:
    """No code, by no RPC."""
    async with _calling(guarded, _token("worker:read")) as client:
        with pytest.raises(PermissionDeniedError, match="worker:execute"):
            await client.execute("1", tenant_id="acme")
        with pytest.raises(PermissionDeniedError, match="worker:execute"):
            await client.start("execute_code", code="1", tenant_id="acme")


async def test_code_reads_no_run_whose_scopes_its_caller_lacks(guarded: str) -> None:
    """Though the worker's token has them; nor does code that such code starts."""
    secret = ContextUnit(
        payload={"workflow_type": "errand", "name": "secret", "tenant_id": "acme"},
        security=SecurityScopes(read=["finance:read"]),
    )
    async with _calling(guarded, _token(*_BOTH, "finance:read")) as client:
        theirs = await client.start(secret)
        told = await client.result(theirs.workflow_id, timeout=60)
    nested = "wait_for(start_workflow('execute_code', code=code))['result']['error']['type']"

    looked = await _said(guarded, _token(), "task_status(id)", id=theirs.workflow_id)
    deeper = await _said(guarded, _token(), nested, code=f"task_status({theirs.workflow_id!r})")
    allowed = await _said(
        guarded, _token(*_BOTH, "finance:read"), "task_status(id)['status']", id=theirs.workflow_id
    )

    assert "secret" == told["name"]
    assert looked.startswith("PermissionError")
    assert "finance:read" in looked
    assert "PermissionError" == deeper
    assert "completed" == allowed


async def test_code_writes_no_state_of_its_own(guarded: str) -> None:
    """What a run hands on to the next one is nobody's to send, from outside or from inside."""
    forged = {
        "started_at": 0,
        "calls_made": 0,
        "calls": [],
        "tasks": {},
        "stdout": "",
        "stderr": "",
    }
    async with _calling(guarded, _token()) as client:
        with pytest.raises(InvalidRequestError, match="so_far"):
            await client.start("execute_code", code="1", tenant_id="acme", so_far=forged)

    said = await _said(
        guarded, _token(), "start_workflow('execute_code', code='1', so_far=state)", state=forged
    )

    assert said.startswith("ValueError")


async def test_another_tenants_unit_is_no_way_to_its_result(guarded: str) -> None:
    """The same unit, sent for another tenant, is another run."""
    unit = ContextUnit(payload={"code": "6 * 7", "tenant_id": "globex"})
    async with _calling(guarded, _token(tenants=("globex",))) as theirs:
        await theirs.start(_as_start(unit))
    async with _calling(guarded, _token()) as client:
        with pytest.raises(ClientError, match="not for the tenant"):
            await client.start(_as_start(unit))
        mine = await client.start(_as_start(unit, tenant_id="acme", code="1"))
        assert 1 == (await client.result(mine.workflow_id, timeout=60))["result"]


def _as_start(unit: ContextUnit, **changed: str) -> ContextUnit:
    payload = {**unit.payload, "workflow_type": "execute_code", **changed}
    return unit.model_copy(update={"payload": payload})
