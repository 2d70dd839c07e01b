"""The gardener as callers and workers see it."""

import pytest
from pydantic import ValidationError

from contextworker.core.registry import WorkerRegistry
from contextworker.gardener.messages import GardenerRequest, Stored, Totals
from contextworker.gardener.module import module


def test_the_module_is_announced() -> None:
    """One installed worker, one route, one gardener per tenant at a time."""
    [found] = WorkerRegistry.discover().select(["gardener"])

    assert found is module
    assert "gardener-tasks" == found.queue
    assert [("gardener", "gardener-{tenant_id}", GardenerRequest)] == [
        (route.workflow_type, route.workflow_id, route.payload) for route in found.routes
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"batch_size": 1001},
        {"max_batches": 0},
        {"supplier_code": ""},
        {"so_far": {"products": 1_000_000}},
    ],
)
def test_a_wrong_request_is_refused(wrong: dict[str, object]) -> None:
    """Also the totals of a continued run, which only the workflow itself may bring."""
    with pytest.raises(ValidationError):
        GardenerRequest.model_validate({"tenant_id": "acme", **wrong})


def test_totals_add_up() -> None:
    """An idle batch counts as a batch; one that stores something ends a row of idle ones."""
    idle = Stored(applied=0, changed=2)
    useful = Stored(
        applied=3, by_status={"done": 3}, by_task={"taxonomy": {"done": 2, "review": 1}}
    )

    totals = Totals().plus(idle).plus(useful).plus(useful).plus(idle)

    assert (
        Totals(
            batches=4,
            products=6,
            changed=4,
            by_status={"done": 6},
            by_task={"taxonomy": {"done": 4, "review": 2}},
            idle=1,
        )
        == totals
    )
