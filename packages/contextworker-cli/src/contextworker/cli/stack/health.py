"""Ask a process's gRPC health service whether it serves."""

import asyncio
from typing import Final

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

POLL_S: Final = 0.05
CALL_S: Final = 2.0
# A process that is still booting refuses connections; gRPC's own backoff starts at a whole second.
_EAGER: Final = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 250),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
)


async def serving(address: str) -> None:
    """Return once the health service at `address` says SERVING; the caller bounds the wait."""
    async with aio.insecure_channel(address, options=_EAGER) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while True:
            try:
                reply = await stub.Check(  # type: ignore[attr-defined] # missing in its stubs
                    health_pb2.HealthCheckRequest(), timeout=CALL_S, wait_for_ready=True
                )
            except grpc.RpcError:
                pass
            else:
                if reply.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            await asyncio.sleep(POLL_S)
