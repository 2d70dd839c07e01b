"""What a busy Temporal costs a caller: one refusal, unless it is one schedule that is busy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from gateway_calls import Caller, connected
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # ships no py.typed
from temporalio.api.enums.v1 import ResourceExhaustedCause
from temporalio.api.errordetails.v1 import ResourceExhaustedFailure

from contextworker.core.connection import connect
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

_BUSY = grpc.StatusCode.RESOURCE_EXHAUSTED


class BusyTemporal(grpc.GenericRpcHandler):
    """Answers nothing but that it is busy, and counts how often it was asked."""

    def __init__(self, cause: ResourceExhaustedCause.ValueType) -> None:
        detail = Packed()
        detail.Pack(ResourceExhaustedFailure(cause=cause))
        self._status = Status(code=_BUSY.value[0], message="not now", details=[detail])
        self.looks = 0

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Serve whatever is called."""
        method = str(handler_call_details.method)

        async def answer(_: bytes, context: Any) -> bytes:
            if method.endswith("/GetSystemInfo"):
                return b""
            self.looks += method.endswith("/DescribeSchedule")
            details = (("grpc-status-details-bin", self._status.SerializeToString()),)
            await context.abort(_BUSY, "not now", details)
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


@asynccontextmanager
async def before(temporal: BusyTemporal) -> AsyncIterator[Caller]:
    """Call a gateway that stands before it."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((temporal,))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    client = await connect(lazy=True, environment={"TEMPORAL_ADDRESS": address})
    settings = GatewaySettings(port=0, gateway_shutdown_grace_s=0, gateway_temporal_timeout_s=20)
    async with gateway(client, settings) as port, connected(port) as caller:
        yield caller
    await server.stop(0)


@pytest.mark.parametrize(
    ("cause", "asks_again"),
    [
        pytest.param("RPS_LIMIT", False, id="all of it"),
        pytest.param("BUSY_WORKFLOW", True, id="one schedule"),
    ],
)
async def test_only_a_busy_schedule_is_asked_again(cause: str, *, asks_again: bool) -> None:
    """A Temporal that asks to slow down is not asked more; one schedule has readers in a row."""
    temporal = BusyTemporal(ResourceExhaustedCause.Value(f"RESOURCE_EXHAUSTED_CAUSE_{cause}"))
    async with before(temporal) as caller:
        refusal = await caller.refused("PauseSchedule", {"schedule_id": "nightly"})

    assert "TEMPORAL_BUSY" == refusal.reason
    assert asks_again == (temporal.looks > 1)
