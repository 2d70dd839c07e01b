"""Tells who makes a call, and whether they may."""

from collections.abc import Iterable

from contextworker.gateway.errors import PermissionMissingError, UnauthenticatedError
from contextworker.gateway.identity.caller import ANONYMOUS, Caller
from contextworker.gateway.identity.permissions import PERMISSIONS
from contextworker.gateway.identity.tokens import Tokens

_SCHEME = "bearer"


class Authenticator:
    """Lets in whom a verified token names; everybody, where there is nothing to verify with."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens

    async def caller(self, rpc: str, metadata: Iterable[tuple[str, str | bytes]] | None) -> Caller:
        """Return who calls an RPC of the WorkerService.

        Raises:
            UnauthenticatedError: It brings no token, or not one that says who calls.
            PermissionMissingError: Its token does not permit that RPC.
            KeysUnavailableError: The keys to tell with are away.
        """
        if self._tokens is None:
            return ANONYMOUS
        caller = await self._tokens.caller(_bearer(metadata or ()))
        if caller.lacks([PERMISSIONS[rpc]]):
            raise PermissionMissingError(rpc, PERMISSIONS[rpc])
        return caller


def _bearer(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    sent = [value for key, value in metadata if key == "authorization"]
    if not sent:
        raise UnauthenticatedError(
            "missing",
            "this gateway takes a bearer token; send one as the metadata "
            "`authorization: Bearer …` (`contextworker token mint` makes one for development)",
        )
    if len(sent) == 1 and isinstance(sent[0], str):
        scheme, _, token = sent[0].partition(" ")
        if scheme.lower() == _SCHEME and token.strip():
            return token.strip()
    raise UnauthenticatedError(
        "malformed",
        "the metadata `authorization` must be there once, and be `Bearer`, a space and a token",
    )
