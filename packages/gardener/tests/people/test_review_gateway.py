"""Reviews and trainings as callers see them: through a gateway, and in the caller's name."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from gardener_runs import serves, until
from temporalio.client import Client, WorkflowHandle

from contextworker.brain import Brain, ProductRecord
from contextworker.core.client import AsyncWorkerClient, InvalidRequestError, TaskFailedError
from contextworker.core.objects import ObjectStore
from contextworker.core.testing import running
from contextworker.core.testing.fixtures import RecordHistory
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
        await until(partial(serves, caller))
        yield caller


async def ask(caller: AsyncWorkerClient, workflow_type: str, **fields: Any) -> Any:
    """Start a workflow and wait for its answer."""
    task = await caller.start(workflow_type, {"tenant_id": "acme", **fields})
    return await task.result(timeout=100)


async def latest(client: Client, workflow_type: str) -> WorkflowHandle[Any, Any]:
    """Return the run of a type that completed last."""
    ended = f"WorkflowType = '{workflow_type}' and ExecutionStatus = 'Completed'"
    async with asyncio.timeout(60):
        while True:  # the list is some moments late
            async for run in client.list_workflows(ended, limit=1):
                return client.get_workflow_handle(run.id, run_id=run.run_id)
            await asyncio.sleep(0.05)


async def test_results_are_reviewed_through_a_gateway(
    caller: AsyncWorkerClient, client: Client, brain: Brain, record_history: RecordHistory
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

    await record_history(await latest(client, "gardener_review"), module, "review")

    assert (2, 1, None) == (len(page["items"]), len(last["items"]), last["next"])
    assert {record.name for record in RECORDS} == {item["name"] for item in found}
    assert (1, "camping.tents") == (
        corrected["decided"],
        corrected["products"][0]["result"]["id"],
    )
    assert (2, "unknown: the tenant has no such product") == (
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
    with pytest.raises(InvalidRequestError, match=r"payload\.task"):
        await ask(caller, "gardener_review", task="colour")


async def test_what_people_decide_is_what_the_next_run_knows(
    *,
    caller: AsyncWorkerClient,
    client: Client,
    brain: Brain,
    objects: ObjectStore,
    record_history: RecordHistory,
) -> None:
    """Enriched, in review, corrected, trained on, enriched again: by the new model."""
    made = [f"{brand}{ending}" for brand in ("Zor", "Vek", "Ludo") for ending in ("mix", "tar")]
    records = [
        ProductRecord(sku=f"b{number}", name=f"{brand} lamp {number} new", dealer_code="camp")
        for number, brand in enumerate(made)
    ]
    await brain.upsert_products("acme", records, run_id="r")
    examples = [
        {"name": f"{brand} stove {number}", "label": {"brand": brand, "model": None}}
        for number in range(8)
        for brand in made
    ]
    lines = "".join(json.dumps(one) + "\n" for one in examples)
    file = await objects.put(lines.encode(), prefix="acme/gardener/examples")

    await ask(caller, "gardener")
    page = await ask(caller, "gardener_review", task="ner", limit=100)
    first = next(item for item in page["items"] if item["name"] == records[0].name)
    corrected = await ask(
        caller,
        "gardener_review",
        action="correct",
        task="ner",
        product_ids=[first["product_id"]],
        correction={"brand": made[0]},
    )
    trained = await ask(caller, "gardener_train", task="ner", examples=file.model_dump())
    await record_history(await latest(client, "gardener_train"), module, "train")
    await ask(caller, "gardener")
    entries = {
        product.sku: product.enrichment["ner"]
        for product in await brain.list_products("acme", search="lamp")
    }

    assert 1 == corrected["decided"]
    assert (True, len(examples) + 1) == (trained["replaced"], trained["examples"])
    assert trained["reopened"] >= len(records) - 1
    assert "person:anonymous" == entries["b0"]["source"]
    known = [entries[record.sku] for record in records[1:]]
    assert {f"tagger@{trained['version']}"} == {entry["source"] for entry in known}
    assert made[1:] == [entry["result"]["brand"] for entry in known]
    again = await ask(caller, "gardener_train", task="ner", use=trained["version"])
    assert (True, "it was the current one already") == (again["replaced"], again["reason"])
