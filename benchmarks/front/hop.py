"""A bare hop: the least a gateway in Python could do, and nothing of what this one does.

It takes whatever comes, hands it to temporalio's client, and answers. What a call through it takes
longer than without is what gRPC and the second process cost.
"""

import asyncio
import os

import grpc
import uvloop
from temporalio.client import Client

from contextcore import ContextUnit, context_unit_pb2, worker_pb2_grpc
from contextworker.core.converter import DATA_CONVERTER
from front.feed import WORKFLOW_TYPE

QUEUE = "front-tasks"
Wire = context_unit_pb2.ContextUnit


class Hop:
    """The two RPCs that are measured."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def StartWorkflow(self, request: Wire, _: object) -> Wire:  # noqa: N802 - the proto's
        """Start a run."""
        unit = ContextUnit.from_protobuf(request)
        handle = await self._client.start_workflow(
            WORKFLOW_TYPE, unit, id=f"hop-{unit.unit_id}", task_queue=QUEUE
        )
        return unit.child({"workflow_id": handle.id}, provenance="hop:start").to_protobuf()

    async def GetTaskStatus(self, request: Wire, _: object) -> Wire:  # noqa: N802 - the proto's
        """Tell how a run stands."""
        unit = ContextUnit.from_protobuf(request)
        handle = self._client.get_workflow_handle(unit.payload["workflow_id"])
        status = (await handle.describe()).status
        return unit.child({"status": str(status)}, provenance="hop:status").to_protobuf()


class _Service(Hop, worker_pb2_grpc.WorkerServiceServicer):
    pass


async def main() -> None:
    """Serve on WORKER_PORT until killed."""
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"], data_converter=DATA_CONVERTER)
    server = grpc.aio.server()
    service = _Service(client)  # type: ignore[abstract] # of its RPCs, two
    worker_pb2_grpc.add_WorkerServiceServicer_to_server(service, server)
    server.add_insecure_port(f"127.0.0.1:{os.environ['WORKER_PORT']}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
