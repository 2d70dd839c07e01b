"""The search attributes by which runs are found: made where missing, told where refused."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from gateway_calls import Caller, connected, until
from gateway_deployments import deploy, until_announced
from gateway_strangers import unserved
from temporalio.api.common.v1 import WorkflowType
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
    RemoveSearchAttributesRequest,
)
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import StartWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.converter import encode_search_attributes
from temporalio.service import RPCError, RPCStatusCode

from contextworker.core.announcement import Announcement
from contextworker.core.testing import TemporalServer, temporal_server
from contextworker.gateway.errors import TemporalUnavailableError
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.visibility.run_attributes import RunAttributes

KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
SETTINGS = GatewaySettings(
    port=0,
    gateway_shutdown_grace_s=1,
    gateway_route_refresh_min_s=0.1,
    gateway_temporal_timeout_s=20,  # Temporal answers late where the machine is busy
)


@pytest_asyncio.fixture
async def bare() -> AsyncIterator[TemporalServer]:
    """A Temporal that has never seen a gateway."""
    async with temporal_server() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def never_given() -> AsyncIterator[Client]:
    """A Temporal that no gateway may give the attribute."""
    async with temporal_server() as server:
        yield await server.connect()


async def kind(client: Client) -> Any:
    """Return what kind of attribute Temporal has; None where it has none."""
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return listed.custom_attributes.get("TenantId")


async def reaches_temporal(caller: Caller) -> bool:
    """Tell whether a gateway's connection is there again."""
    refusal = await caller.refused("GetTaskStatus", {"workflow_id": "nothing"})
    return refusal.reason == "RUN_NOT_FOUND"


async def is_taken(client: Client) -> bool:
    """Tell whether Temporal takes the attribute by now: it reads its settings now and then."""
    try:
        await client.count_workflows("TenantId = ''")
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        return False
    return True


async def start(caller: Caller) -> dict[str, Any]:
    """Start a run that waits for a worker."""
    started: dict[str, Any] = await caller.ask(
        "StartWorkflow", {"workflow_type": "unserved", "tenant_id": "acme"}
    )
    return started


async def test_a_gateway_makes_it_at_its_start(bare: TemporalServer) -> None:
    """Before the first caller needs it; the first start needs no second try."""
    client = await bare.connect()
    await deploy(client, "unserved", "1", Announcement.of(unserved).to_payload())
    before = await kind(client)

    async with gateway(client, SETTINGS) as port, connected(port) as caller:
        await until_announced(caller, name="unserved")
        started = await start(caller)

    described = await client.get_workflow_handle(started["workflow_id"]).describe()
    assert (None, KEYWORD) == (before, await kind(client))
    marks = {pair.key.name: pair.value for pair in described.typed_search_attributes}
    assert {"TenantId": "acme", "Module": "unserved"} == marks


async def test_a_temporal_that_came_back_empty_gets_it_again(bare: TemporalServer) -> None:
    """As a dev server does that keeps nothing; the gateway is not started anew."""
    client = await bare.connect()
    await deploy(client, "unserved", "1", Announcement.of(unserved).to_payload())
    async with gateway(client, SETTINGS) as port, connected(port) as caller:
        await until_announced(caller, name="unserved")
        first = await start(caller)
        bare.kill()
        bare.start()
        await bare.answers()
        await deploy(await bare.connect(), "unserved", "1", Announcement.of(unserved).to_payload())
        await until_announced(caller, name="unserved")
        second = await start(caller)
        bare.kill()
        bare.start()
        await bare.answers()
        await until(lambda: reaches_temporal(caller), bool)
        listed = await caller.ask("ListTasks", {"tenant_id": "acme"})

    assert first["workflow_id"] != second["workflow_id"]
    assert [] == listed["tasks"]


class Refusing(Temporal):
    """Temporal, for somebody who must not touch its settings."""

    def __init__(self, client: Client, status: RPCStatusCode) -> None:
        super().__init__(client, timeout_s=20)
        self._status = status

    @property
    def operator(self) -> Any:
        """The operator's service, closed."""
        return self

    async def add_search_attributes(
        self,
        req: AddSearchAttributesRequest,
        *,
        timeout: timedelta | None = None,  # noqa: ASYNC109 - the SDK's
    ) -> None:
        """Refuse."""
        raise RPCError("not you", self._status, b"")


REFUSALS = [
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
    RPCStatusCode.INVALID_ARGUMENT,
]


@pytest.mark.parametrize("status", REFUSALS, ids=lambda status: status.name)
async def test_a_temporal_that_refuses_it_is_told_once_with_the_way_out(
    never_given: Client, caplog: pytest.LogCaptureFixture, status: RPCStatusCode
) -> None:
    """The operator gets the command, in the log and from whoever calls."""
    attribute = RunAttributes(Refusing(never_given, status))

    with caplog.at_level(logging.ERROR, "contextworker"):
        for _ in range(2):
            with pytest.raises(TemporalUnavailableError) as refused:
                await attribute.ensure()

    sentence = (
        "Temporal has no search attribute TenantId or Module or SupplierCode and does not let the "
        "gateway make it; its operator has to run: temporal operator search-attribute create "
        "--namespace default --name TenantId --type Keyword --name Module --type Keyword "
        "--name SupplierCode --type Keyword"
    )
    assert sentence == str(refused.value)
    mine = [it.getMessage() for it in caplog.records if "run_attributes" in it.name]
    assert [f"{sentence} (not you)"] == mine


async def test_one_that_an_operator_made_is_enough(bare: TemporalServer) -> None:
    """Where the gateway may not make it, somebody else can, and nothing is restarted."""
    client = await bare.connect()
    attribute = RunAttributes(Refusing(client, RPCStatusCode.PERMISSION_DENIED))
    with pytest.raises(TemporalUnavailableError):
        await attribute.ensure()

    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace, search_attributes={"TenantId": KEYWORD}
        )
    )
    await until(lambda: is_taken(client), bool)

    await attribute.ensure()


class Full(Temporal):
    """Temporal with room for one more attribute, which is the tenant's."""

    @property
    def operator(self) -> Any:
        """The operator's service, which lets the tenant's through."""
        return self

    async def add_search_attributes(
        self,
        req: AddSearchAttributesRequest,
        *,
        timeout: timedelta | None = None,  # noqa: ASYNC109 - the SDK's
    ) -> None:
        """Make the tenant's only."""
        if "TenantId" not in req.search_attributes:
            raise RPCError("no room", RPCStatusCode.INVALID_ARGUMENT, b"")
        await super().operator.add_search_attributes(req, timeout=timeout)


async def test_runs_go_without_what_temporal_has_no_room_for(
    bare: TemporalServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Only the tenant's is worth refusing a start; the log says how to have the others."""
    client = await bare.connect()
    attributes = RunAttributes(Full(client, timeout_s=20))
    marks = {"TenantId": "acme", "Module": "unserved"}

    with caplog.at_level(logging.WARNING, "contextworker"):
        for workflow_id in ("one", "two"):
            await attributes.call(
                client.workflow_service.start_workflow_execution, marked(workflow_id, marks)
            )

    described = await client.get_workflow_handle("two").describe()
    assert ["TenantId"] == [pair.key.name for pair in described.typed_search_attributes]
    mine = [it.getMessage() for it in caplog.records if "run_attributes" in it.name]
    assert ["Module", "SupplierCode"] == [line.split()[5] for line in mine]
    assert all("until then runs go without" in line for line in mine)


async def test_one_of_another_kind_is_left_out(
    bare: TemporalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's own `Module`, a number, is theirs; starts go through after one that tried."""
    client = await bare.connect()
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={"Module": IndexedValueType.INDEXED_VALUE_TYPE_INT},
        )
    )
    attributes = RunAttributes(Temporal(client, timeout_s=20))
    service = client.workflow_service
    # It waits until Temporal takes the tenant's; from here on the pauses are too short for that.
    await attributes.call(service.start_workflow_execution, marked("none", {"TenantId": "acme"}))
    monkeypatch.setattr("contextworker.gateway.visibility.run_attributes._PAUSES_S", (0.01, 0.01))

    await attributes.call(
        service.start_workflow_execution, marked("one", {"TenantId": "acme", "Module": "unserved"})
    )

    described = await client.get_workflow_handle("one").describe()
    assert ["TenantId"] == [pair.key.name for pair in described.typed_search_attributes]


def marked(workflow_id: str, marks: dict[str, str]) -> StartWorkflowExecutionRequest:
    """Ask for a run with search attributes."""
    pairs = [SearchAttributePair(SearchAttributeKey.for_keyword(key), marks[key]) for key in marks]
    request = StartWorkflowExecutionRequest(
        namespace="default",
        workflow_id=workflow_id,
        request_id=workflow_id,
        workflow_type=WorkflowType(name="unserved"),
        task_queue=TaskQueue(name="unserved-tasks"),
    )
    encode_search_attributes(TypedSearchAttributes(pairs), request.search_attributes)
    return request


async def test_one_that_is_taken_away_is_made_again(bare: TemporalServer) -> None:
    """The calls that find out wait a moment, and then go through."""
    client = await bare.connect()
    await deploy(client, "unserved", "1", Announcement.of(unserved).to_payload())
    async with gateway(client, SETTINGS) as port, connected(port) as caller:
        await until_announced(caller, name="unserved")
        await start(caller)
        await client.operator_service.remove_search_attributes(
            RemoveSearchAttributesRequest(
                namespace=client.namespace, search_attributes=["TenantId"]
            )
        )

        async def is_refused() -> bool:
            return not await is_taken(client)

        await until(is_refused, bool)
        again = await start(caller)

    assert "started" == again["status"]
    assert KEYWORD == await kind(client)
