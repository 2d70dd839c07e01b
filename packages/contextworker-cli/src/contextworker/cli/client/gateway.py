"""Calls to a gateway, typed, with failures as sentences."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import grpc
from grpc import aio

from contextcore import ContextUnit, UnitError, worker_pb2, worker_pb2_grpc
from contextworker.cli.client.failures import from_rpc_error
from contextworker.cli.client.replies import ModuleInfo, Started, TaskStatus
from contextworker.cli.errors import UsageError

CALL_S: Final = 15.0
_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    # Not to inherit the pause that gRPC makes after an earlier channel could not connect.
    ("grpc.use_local_subchannel_pool", 1),
)


class GatewayClient:
    """A connection to one gateway; use it as an async context manager."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def __aenter__(self) -> Self:
        self._channel = aio.insecure_channel(self.address, options=_OPTIONS)
        self._stub = worker_pb2_grpc.WorkerServiceStub(self._channel)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._channel.close()

    async def start(self, payload: Mapping[str, Any]) -> Started:
        """Start the workflow that `payload["workflow_type"]` names.

        Raises:
            GatewayError: The gateway refused or cannot be reached.
        """
        return Started.model_validate(await self._call(self._stub.StartWorkflow, payload))

    async def status(self, workflow_id: str) -> TaskStatus:
        """Return how a workflow stands.

        Raises:
            GatewayError: There is no such workflow, or the gateway cannot be reached.
        """
        reply = await self._call(self._stub.GetTaskStatus, {"workflow_id": workflow_id})
        return TaskStatus.model_validate({"workflow_id": workflow_id} | reply)

    async def modules(self) -> list[ModuleInfo]:
        """Return the modules the gateway routes to.

        Raises:
            GatewayError: The gateway cannot be reached.
        """
        reply = await self._call(self._stub.ListModules, {})
        return [ModuleInfo.model_validate(module) for module in reply.get("modules", [])]

    async def _call(
        self,
        method: aio.UnaryUnaryMultiCallable[Any, Any],
        payload: Mapping[str, Any],
    ) -> dict[str, Any]:
        try:
            unit = ContextUnit(payload=dict(payload), provenance=["cli:call"])
            request = unit.to_protobuf(worker_pb2)
        except UnitError as error:
            raise UsageError(f"The payload cannot be sent: {error}") from error
        try:
            reply = await method(request, timeout=CALL_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, self.address) from error
        return dict(ContextUnit.from_protobuf(reply).payload)
