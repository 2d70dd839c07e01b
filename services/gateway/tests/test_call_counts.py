"""That calls are counted by what they were, and by nothing that strangers make up."""

from collections.abc import Iterator

import grpc
import pytest
from gateway_calls import Caller

from contextworker.core.testing.metrics import Exported, exported_metrics

CALLS = "contextworker_gateway_requests_total"
STARTS = "contextworker_gateway_starts_total"
TENANTS = 2


@pytest.fixture
def exported() -> Iterator[Exported]:
    """Export what this process counts."""
    with exported_metrics(tenants=TENANTS) as exported:
        yield exported


async def test_calls_count_by_rpc_code_and_tenant(
    exported: Exported, caller: Caller, toys: None
) -> None:
    """A start is one, and what came of it; a refusal has its code."""
    payload = {"workflow_type": "toy_plain", "tenant_id": "acme"}
    await caller.ask("StartWorkflow", payload)
    refusal = await caller.refused("StartWorkflow", payload | {"workflow_type": "made-up"})

    own = {"rpc": "StartWorkflow", "tenant": "acme"}
    assert grpc.StatusCode.NOT_FOUND == refusal.code
    assert 1 == exported.total(CALLS, code="OK", **own)
    assert 1 == exported.total(CALLS, code="NOT_FOUND", **own)
    assert 1 == exported.total(STARTS, workflow_type="toy_plain", tenant="acme", outcome="started")
    assert 2 == exported.total(
        "contextworker_gateway_request_duration_seconds_count", rpc="StartWorkflow"
    )
    assert 0 == exported.total("contextworker_gateway_open_calls", rpc="StartWorkflow")
    assert "made-up" not in exported.text()


async def test_callers_cannot_make_series_without_end(exported: Exported, caller: Caller) -> None:
    """Beyond the bound every tenant is another one's; nothing is lost of the count."""
    for number in range(3 * TENANTS):
        payload = {"workflow_type": f"made-up-{number}", "tenant_id": f"tenant-{number}"}
        await caller.refused("StartWorkflow", payload)

    series = exported.samples(CALLS, rpc="StartWorkflow")
    assert TENANTS + 1 == len(series)
    assert 3 * TENANTS == sum(count for _, count in series)
    assert 2 * TENANTS == exported.total(CALLS, tenant="other")
