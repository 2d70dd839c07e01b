"""Tells who makes a call, and whether they may."""

from contextworker.gateway.identity.caller import ANONYMOUS, Caller


class Authenticator:
    """Lets everybody do everything: what a gateway without authentication does."""

    async def caller(self, rpc: str, metadata: object) -> Caller:  # noqa: ARG002 - to come
        """Return who calls an RPC of the WorkerService."""
        return ANONYMOUS
