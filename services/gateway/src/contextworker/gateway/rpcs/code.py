"""The RPC that runs code."""

from contextworker.gateway.rpcs.requests import Context, Wire, decoded
from contextworker.gateway.runs.executing import Executor


class CodeRpcs:
    """Translates between units on the wire and executions."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def ExecuteCode(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Run the payload's code, and wait for what comes of it."""
        unit = decoded(request)
        reply = await self._executor.execute(unit)
        return unit.child(reply, provenance="gateway:execute_code").to_protobuf()
