"""Whole harvests of real feeds on a real Temporal server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.brain import Brain
from contextworker.core.testing import execute, running
from contextworker.harvest.messages import HarvestAllReport, HarvestReport
from contextworker.harvest.module import module

ROOT = Path(__file__).parents[3]
FLIPKART = ROOT.parent / "shared" / "data" / "flipkart.csv"
EXAMPLES = ROOT / "examples" / "suppliers"

# pid is the shop's number for what it sells; uniq_id is a new one for each crawled page.
FLIPKART_MAPPING = """
[mapping]
currency = { value = "INR" }
sku = "pid"
name = "product_name"
brand_name = "brand"
category = "product_category_tree"
category_separator = ">>"
price_retail = "retail_price"
params = ["discounted_price", "product_rating", "uniq_id"]
required = ["price_retail"]
"""


async def harvest(client: Client, supplier_code: str) -> Mapping[str, object]:
    """Harvest one supplier to the end and return the answer's payload."""
    unit = ContextUnit(
        payload={"workflow_type": "harvest", "supplier_code": supplier_code, "tenant_id": "acme"},
        provenance=["test:harvest"],
    )
    async with running(client, module):
        return (await execute(client, module, unit)).payload


@pytest.mark.skipif(not FLIPKART.exists(), reason="the Flipkart sample is not on this machine")
async def test_flipkart(
    client: Client,
    brain: Brain,
    suppliers: Any,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every one of 20,000 real rows is inserted, rejected or a duplicate."""
    monkeypatch.setenv("CONTEXTWORKER_HARVEST_BATCH_ROWS", "2000")
    suppliers.write("flipkart", FLIPKART.as_uri(), rest=FLIPKART_MAPPING)
    report = HarvestReport.model_validate(await harvest(client, "flipkart"))
    assert (20_000, 19_920, 2, {"missing_price_retail": 78}) == (
        report.rows,
        report.inserted,
        report.duplicates,
        report.rejected_by_reason,
    )
    assert report.inserted == sum((await brain.count_products("acme")).values())


async def test_examples(
    client: Client, brain: Brain, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suppliers that newcomers start with have the products and rejects that are promised."""
    monkeypatch.setenv("CONTEXTWORKER_SUPPLIERS_DIR", str(EXAMPLES))
    report = HarvestAllReport.model_validate(await harvest(client, "all"))
    found = {one.supplier_code: one.report for one in report.suppliers}
    alpine, camping = found["alpine-outlet"], found["camping-trade"]
    assert alpine is not None
    assert camping is not None
    assert (23, {"missing_price_retail": 1}) == (alpine.inserted, alpine.rejected_by_reason)
    expected = {
        "ambiguous_price": 1,
        "bad_price": 1,
        "bad_quantity": 1,
        "missing_name": 1,
        "missing_sku": 1,
    }
    assert (224, expected) == (camping.inserted, camping.rejected_by_reason)
    (tent,) = await brain.list_products("acme", search="Fjell 2 tent")
    assert ("Nordlys", "Camping > Tents > Trekking tents", "EUR") == (
        tent.brand_name,
        tent.category,
        tent.currency,
    )
