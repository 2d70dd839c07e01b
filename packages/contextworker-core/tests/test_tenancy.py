"""What a workflow starts belongs to the workflow's tenant."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from family import SHELF, Child, Parent
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import Priority, SearchAttributePair, TypedSearchAttributes
from temporalio.worker import Replayer, Worker

from contextworker.core.plugin import ContextPlugin
from contextworker.core.tenancy import TENANT_ATTRIBUTE

QUEUE = "family-tasks"


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def worker(temporal_client: Client) -> AsyncIterator[None]:
    """A worker that replays at every step, before a Temporal that knows the attributes."""
    await temporal_client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=temporal_client.namespace,
            search_attributes={
                key.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
                for key in (TENANT_ATTRIBUTE, SHELF)
            },
        )
    )
    async with Worker(
        temporal_client, task_queue=QUEUE, workflows=[Parent, Child], max_cached_workflows=0
    ):
        yield


async def told(client: Client, *, given: str, continues: str = "", tenant: str = "acme") -> Any:
    """Run a parent of a tenant for what its child tells."""
    marks = [SearchAttributePair(TENANT_ATTRIBUTE, tenant)] if tenant else []
    return await client.execute_workflow(
        "parent",
        args=[given, continues],
        id=f"parent-{uuid.uuid4()}",
        task_queue=QUEUE,
        search_attributes=TypedSearchAttributes(marks),
        priority=Priority(fairness_key=tenant or None),
    )


@pytest.mark.filterwarnings("ignore:Dictionary-based search attributes")  # still taken, though
@pytest.mark.parametrize("continues", ["", "none", "typed", "untyped"])
@pytest.mark.parametrize(
    ("given", "more"), [("", {}), ("typed", {"Shelf": "top"}), ("untyped", {"Shelf": "top"})]
)
async def test_a_child_inherits_the_tenant_and_its_fairness_key(
    temporal_client: Client, given: str, more: dict[str, str], continues: str
) -> None:
    """Beside what its parent gives it, and also where the parent has continued as new."""
    child = await told(temporal_client, given=given, continues=continues)

    assert {"TenantId": "acme", "fairness_key": "acme", **more} == child


async def test_a_parent_may_name_another_tenant(temporal_client: Client) -> None:
    """What a workflow says itself stands."""
    child = await told(temporal_client, given="own")

    assert "stepchild" == child["TenantId"]


async def test_a_run_without_a_tenant_hands_on_none(temporal_client: Client) -> None:
    """So that runs of before, and recorded histories, go on as they began."""
    child = await told(temporal_client, given="typed", tenant="")

    assert {"Shelf": "top", "fairness_key": None} == child


async def test_a_history_of_before_replays(temporal_client: Client) -> None:
    """The tenant is no command of its own, and changes none."""
    run = await temporal_client.start_workflow(
        "parent", args=["", ""], id=f"parent-{uuid.uuid4()}", task_queue=QUEUE
    )
    await run.result()
    history = await run.fetch_history()
    plugin = ContextPlugin()

    replayed = await Replayer(workflows=[Parent], plugins=[plugin]).replay_workflow(history)

    assert replayed.replay_failure is None
