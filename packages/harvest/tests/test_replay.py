"""Rejects become products once the mapping is better, without a new feed."""

from typing import Any

from contextworker.brain import Brain
from contextworker.core.testing.fixtures import RecordHistory
from contextworker.harvest.module import module

FEED = """sku,name,cost,stock
a,Tent,1.234,1
b,Mat,2.500,1
c,Stove,free,1
,Lamp,1,1
d,Cup,1,1
"x,y
"""
MAPPING = """
[mapping]
sku = "sku"
name = "name"
price_retail = "cost"
"""


async def rejects_of(brain: Brain, tenant_id: str, run_id: str) -> dict[int, str]:
    """Return the open rejects of a run by row."""
    found = await brain.list_rejects(tenant_id, run_id=run_id, unresolved=True)
    return {reject.row_number: reject.reason_code for reject in found}


async def test_replay(
    harvests: Any, brain: Brain, suppliers: Any, record_history: RecordHistory
) -> None:
    """What today's mapping can read is stored and resolved; the rest stays, however often."""
    suppliers.write("camp", suppliers.feed("camp.csv", FEED), rest=MAPPING)
    first = await harvests.report("camp")
    assert 5 == first.rejected
    suppliers.write("camp", "camp.csv", rest=MAPPING + 'decimal = "."\n')
    report = await harvests.report("camp", replay_run_id=first.run_id)
    assert (5, 2, 0, 3) == (report.rows, report.inserted, report.removed, report.rejected)
    (warning,) = report.warnings
    assert warning.startswith("1 rejects could not be tried again")
    assert {4: "bad_price", 5: "missing_sku", 7: "cut_off"} == await rejects_of(
        brain, harvests.tenant_id, first.run_id
    )
    products = await brain.list_products(harvests.tenant_id)
    assert {"a", "b", "d"} == {product.sku for product in products}
    assert {"start_harvest", "transform_data", "sync_to_brain", "finish_harvest"} == set(
        await harvests.attempts("camp")
    )
    await record_history(harvests.handle("camp"), module, "replay")
    again = await harvests.report("camp", replay_run_id=first.run_id)
    assert (3, 0, 3) == (again.rows, again.inserted, again.rejected)


async def test_replay_of_what_is_older(harvests: Any, suppliers: Any) -> None:
    """Rejects of a run are refused once a later harvest has stored newer rows."""
    suppliers.write("camp", suppliers.feed("camp.csv", FEED), rest=MAPPING)
    first = await harvests.report("camp")
    suppliers.feed("camp.csv", FEED + "e,Rope,1,1\n")
    second = await harvests.report("camp")
    failure = await harvests.failure("camp", replay_run_id=first.run_id)
    assert f"replay that one instead: {second.run_id}" in failure.message
    unknown = await harvests.failure("camp", replay_run_id="nothing")
    assert "has no run 'nothing'" in unknown.message
    everyone = await harvests.failure("all", replay_run_id=first.run_id)
    assert "give that supplier_code" in everyone.message


async def test_replay_after_an_unmodified_feed(harvests: Any, suppliers: Any) -> None:
    """A harvest of the same feed brought nothing newer."""
    suppliers.write("camp", suppliers.feed("camp.csv", FEED), rest=MAPPING)
    first = await harvests.report("camp")
    assert "not_modified" == (await harvests.report("camp")).status
    suppliers.write("camp", "camp.csv", rest=MAPPING + 'decimal = "."\n')
    assert 2 == (await harvests.report("camp", replay_run_id=first.run_id)).inserted
