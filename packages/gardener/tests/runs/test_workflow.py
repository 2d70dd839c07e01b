"""A run end to end: real Temporal, real worker, real Brain on SQLite."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from gardener_runs import Disturbed, Harvest, continued, gardening, pending, start, with_activities
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

from contextworker.brain import Brain, ProductRecord
from contextworker.core.messages import Progress
from contextworker.core.objects import ObjectStore
from contextworker.core.testing import running, server
from contextworker.core.testing.fixtures import RecordHistory
from contextworker.core.worker import shared_modules
from contextworker.gardener.module import module


def some(report: dict[str, Any], *names: str) -> dict[str, Any]:
    """Take fields of a report."""
    return {name: report[name] for name in names}


async def test_500_products_go_through_until_none_is_pending(
    client: Client, brain: Brain, harvest: Harvest, record_history: RecordHistory
) -> None:
    """The report says what became of them, in the answer's payload."""
    await harvest(500)

    async with running(client, module):
        handle = await start(client, batch_size=200)
        answer = await handle.result()
        progress = await handle.query("progress", result_type=Progress)
        shown = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)

    assert {
        "outcome": "nothing_pending",
        "batches": 3,
        "products": 500,
        "kept": 0,
        "changed": 0,
        "by_status": {"done": 300, "review": 200},
        "by_task": {
            "taxonomy": {"done": 400, "review": 100},
            "ner": {"done": 300, "review": 200},
            "params": {"done": 500},
            "tech": {"done": 500},
            "kg": {"done": 500},
        },
        "tokens": 0,
        "cost_usd": 0,
        "remaining": 0,
        "waiting": 0,
    } == answer.payload
    assert ["tests:trigger", "worker:gardener"] == answer.provenance
    assert Progress(stage="enriching", done=500, total=500, unit="products") == progress
    assert shown.current_details.startswith("**enriching**: 500 of 500 products\n\n- batches: 3\n")
    assert 0 == await pending(brain)
    await record_history(handle, module, "nothing-pending")


async def test_a_run_without_products_ends_at_once(
    client: Client, brain: Brain, record_history: RecordHistory
) -> None:
    """One empty claim says that nothing waits."""
    async with running(client, module):
        handle = await start(client)
        answer = await handle.result()

    expected = {"outcome": "nothing_pending", "batches": 0, "products": 0, "remaining": 0}
    assert expected == some(answer.payload, *expected)
    await record_history(handle, module, "nothing-to-do")


async def test_max_batches_stops_a_run(
    client: Client, brain: Brain, harvest: Harvest, record_history: RecordHistory
) -> None:
    """What is left is counted, and the next run takes it up."""
    await harvest(50)

    async with running(client, module):
        handle = await start(client, batch_size=10, max_batches=2)
        answer = await handle.result()

    expected = {"outcome": "max_batches", "batches": 2, "products": 20, "remaining": 30}
    assert expected == some(answer.payload, *expected)
    assert 30 == await pending(brain)
    await record_history(handle, module, "max-batches")


async def test_one_supplier_can_be_enriched_alone(
    client: Client, brain: Brain, harvest: Harvest
) -> None:
    """The others' products keep waiting, and so do another tenant's."""
    await harvest(5)
    await harvest(7, dealer_code="other")
    await harvest(3, tenant_id="rival", dealer_code="other")

    async with running(client, module):
        answer = await (await start(client, supplier_code="other")).result()

    expected = {"outcome": "nothing_pending", "products": 7, "remaining": 0}
    assert expected == some(answer.payload, *expected)
    assert (5, 3) == (await pending(brain), await pending(brain, "rival"))


async def test_a_long_run_continues_as_new_and_keeps_its_totals(
    brain: Brain, harvest: Harvest, monkeypatch: pytest.MonkeyPatch, record_history: RecordHistory
) -> None:
    """With every batch in hand done; max_batches counts over all runs, provenance grows once."""
    await harvest(30)
    suggest = "--dynamic-config-value=limit.historyCount.suggestContinueAsNew=40"
    monkeypatch.setattr(server, "SERVER_FLAGS", (*server.SERVER_FLAGS, suggest))

    async with server.temporal_server() as temporal:
        client = await temporal.connect(*shared_modules([module]))
        async with running(client, module):
            handle = await start(client, batch_size=1, parallel=3, max_batches=23)
            answer = await handle.result()
            runs = await continued(client, handle)
            await record_history(handle, module, "continued")
            first = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
            await record_history(first, module, "continues")

    assert runs >= 2
    expected = {"outcome": "max_batches", "batches": 23, "products": 23, "remaining": 7}
    assert expected == some(answer.payload, *expected)
    assert [23] * 5 == [sum(counts.values()) for counts in answer.payload["by_task"].values()]
    assert ["tests:trigger", "worker:gardener"] == answer.provenance


async def test_a_product_changed_in_the_middle_comes_again(
    client: Client,
    brain: Brain,
    objects: ObjectStore,
    harvest: Harvest,
    record_history: RecordHistory,
) -> None:
    """A harvest changes three products after the claim: they are enriched as they are now."""
    await harvest(10)
    settling = 0

    async def change_once(_: object) -> None:
        nonlocal settling
        settling += 1
        if settling == 1:
            await harvest(3, price=2)

    disturbed = gardening(cast("Brain", Disturbed(brain, change_once)), objects)
    async with running(client, with_activities(disturbed.all)):
        handle = await start(client, batch_size=10)
        report = (await handle.result()).payload

    expected = {"outcome": "nothing_pending", "batches": 2, "products": 10, "changed": 3}
    assert expected == some(report, *expected)
    assert 0 == await pending(brain)
    await record_history(handle, module, "changed-meanwhile")


async def test_a_run_that_comes_to_nothing_ends(
    client: Client,
    brain: Brain,
    objects: ObjectStore,
    harvest: Harvest,
    record_history: RecordHistory,
) -> None:
    """Every product changes under every batch: after some idle batches, the run says so."""
    await harvest(5)
    price = 1

    async def change_all(_: object) -> None:
        nonlocal price
        price += 1
        await harvest(5, price=price)

    disturbed = gardening(cast("Brain", Disturbed(brain, change_all)), objects)
    async with running(client, with_activities(disturbed.all)):
        handle = await start(client, parallel=1)
        report = (await handle.result()).payload

    expected = {
        "outcome": "no_progress",
        "batches": 2,
        "products": 0,
        "changed": 10,
        "remaining": 5,
    }
    assert expected == some(report, *expected)
    await record_history(handle, module, "no-progress")


async def test_a_price_changes_nothing_and_a_name_what_is_read_from_it(
    client: Client, brain: Brain, harvest: Harvest
) -> None:
    """Entries whose inputs are the same stay byte for byte, with their time."""
    await harvest(4)
    async with running(client, module):
        await (await start(client)).result()
        first = {product.sku: product for product in await brain.list_products("acme")}
        await harvest(3, price=2)
        renamed = [
            ProductRecord(
                sku="S00003",
                name="Tramp Lite 3 намет 3-місний 4,5 кг",
                dealer_code="camp",
                category="Camping > Tents",
                price_retail=Decimal(2),
            )
        ]
        await brain.upsert_products("acme", renamed, run_id="renamed")
        report = (await (await start(client)).result()).payload

    second = {product.sku: product for product in await brain.list_products("acme")}
    assert {"products": 4, "kept": 3} == some(report, "products", "kept")
    for sku in ("S00000", "S00001", "S00002"):
        assert first[sku].enrichment == second[sku].enrichment
        assert first[sku].enrichment_status == second[sku].enrichment_status
    before, after = first["S00003"].enrichment, second["S00003"].enrichment
    assert 4.5 == after["params"]["result"]["weight"]["value"]
    assert before["params"]["at"] < after["params"]["at"]
    # Its category and what it is called say the same: what goes by them stays.
    assert before["kg"] == after["kg"]


async def test_a_run_waits_for_what_a_terminated_one_holds(
    *,
    client: Client,
    brain: Brain,
    harvest: Harvest,
    monkeypatch: pytest.MonkeyPatch,
    record_history: RecordHistory,
) -> None:
    """Its leases end; then their products are anybody's, and nothing is left."""
    await harvest(6)
    lease = timedelta(seconds=1.5)
    held = await brain.claim_products("acme", claim_id="gone", limit=4, lease=lease)
    monkeypatch.setenv("CONTEXTWORKER_GARDENER_LEASE_S", "10")

    async with running(client, module):
        handle = await start(client)
        report = (await handle.result()).payload

    assert 4 == len(held.products)
    expected = {"outcome": "nothing_pending", "products": 6, "remaining": 0}
    assert expected == some(report, *expected)
    await record_history(handle, module, "waits-for-a-lease")
