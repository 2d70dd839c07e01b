"""Reviews as callers see them: through a gateway, in the caller's name, for the caller's tenant."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client

from contextworker.brain import Brain, ProductRecord
from contextworker.core.client import AsyncWorkerClient, InvalidRequestError, TaskFailedError
from contextworker.core.testing import running
from contextworker.gardener.module import module
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

RECORDS = [
    ProductRecord(sku=f"{number}", name=f"Mystery thing {number}", dealer_code="camp")
    for number in range(3)
]


@pytest_asyncio.fixture(loop_scope="session")
async def caller(client: Client, brain: Brain) -> AsyncIterator[AsyncWorkerClient]:
    """A gateway before the gardener, whose tenant acme has products that nobody knows."""
    await brain.upsert_products("acme", RECORDS, run_id="r")
    settings = GatewaySettings(port=0, gateway_shutdown_grace_s=1)
    async with (
        running(client, module),
        gateway(client, settings) as port,
        AsyncWorkerClient(f"127.0.0.1:{port}") as caller,
    ):
        yield caller


async def ask(caller: AsyncWorkerClient, workflow_type: str, **fields: Any) -> Any:
    """Start a workflow and wait for its answer."""
    task = await caller.start(workflow_type, {"tenant_id": "acme", **fields})
    return await task.result(timeout=30)


async def test_results_are_reviewed_through_a_gateway(
    caller: AsyncWorkerClient, brain: Brain
) -> None:
    """Listed, corrected, rejected; the entry says whose word it is, and wrong words are told."""
    await ask(caller, "gardener")
    page = await ask(caller, "gardener_review", task="taxonomy", limit=2)
    last = await ask(caller, "gardener_review", task="taxonomy", limit=2, after=page["next"])
    found = [*page["items"], *last["items"]]
    ids = [item["product_id"] for item in found]
    corrected = await ask(
        caller,
        "gardener_review",
        action="correct",
        task="taxonomy",
        product_ids=ids[:1],
        correction={"path": ["Camping", "Tents"]},
    )
    rejected = await ask(
        caller, "gardener_review", action="reject", task="taxonomy", product_ids=[*ids[1:], "x"]
    )

    assert (2, 1, None) == (len(page["items"]), len(last["items"]), last["next"])
    assert {record.name for record in RECORDS} == {item["name"] for item in found}
    assert (1, "camping.tents") == (
        corrected["decided"],
        corrected["products"][0]["result"]["id"],
    )
    assert (2, "unknown: there is no such product") == (
        rejected["decided"],
        rejected["products"][-1]["message"],
    )
    [product] = await brain.get_products("acme", ids[:1])
    assert "person:anonymous" == product.enrichment["taxonomy"]["source"]
    assert [] == (await ask(caller, "gardener_review", task="taxonomy"))["items"]
    with pytest.raises(TaskFailedError, match="no category 'tenst'; nearest: camping"):
        await ask(
            caller,
            "gardener_review",
            action="correct",
            task="taxonomy",
            product_ids=ids[:1],
            correction={"name": "tenst"},
        )
    with pytest.raises(TaskFailedError, match="to accept results, say of which products"):
        await ask(caller, "gardener_review", action="accept", task="ner")
    with pytest.raises(InvalidRequestError, match="payload[.]task"):
        await ask(caller, "gardener_review", task="colour")
