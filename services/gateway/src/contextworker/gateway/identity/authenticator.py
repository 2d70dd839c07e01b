"""Tells who makes a call, and whether they may."""

from contextworker.core.tokens.bearer import bearer_token
from contextworker.gateway.errors import PermissionMissingError, UnauthenticatedError
from contextworker.gateway.identity.caller import ANONYMOUS, Caller
from contextworker.gateway.identity.narrowing import Metadata, narrowed
from contextworker.gateway.identity.permissions import PERMISSIONS
from contextworker.gateway.identity.tokens import Tokens


class Authenticator:
    """Lets in whom a verified token names; everybody, where there is nothing to verify with."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens

    async def caller(self, rpc: str, metadata: Metadata | None) -> Caller:
        """Return who calls an RPC of the WorkerService, narrowed to those it calls for.

        Raises:
            UnauthenticatedError: It brings no token, or not one that says who calls.
            PermissionMissingError: Its token, or whom it calls for, does not permit that RPC.
            KeysUnavailableError: The keys to tell with are away.
            InvalidRequestError: It does not say in a way that can be read for whom it calls.
            TenantDeniedError: It calls for a tenant that is not its token's.
        """
        metadata = metadata or ()
        caller = ANONYMOUS
        if self._tokens is not None:
            caller = await self._tokens.caller(_bearer(metadata))
        permission = PERMISSIONS[rpc]
        if caller.lacks([permission]):
            raise PermissionMissingError(rpc, permission)
        acting = narrowed(caller, metadata)
        if acting.lacks([permission]):
            raise PermissionMissingError(rpc, permission, acting_as=acting.subject)
        return acting


def _bearer(metadata: Metadata) -> str:
    sent = [value for key, value in metadata if key == "authorization"]
    if not sent:
        raise UnauthenticatedError(
            "missing",
            "this gateway takes a bearer token; send one as the metadata "
            "`authorization: Bearer …` (`contextworker token mint` makes one for development)",
        )
    if (token := bearer_token(sent)) is not None:
        return token
    raise UnauthenticatedError(
        "malformed",
        "the metadata `authorization` must be there once, and be `Bearer`, a space and a token",
    )
