"""Tells who sends a request: by the same tokens as the gateway takes, where they permit to read."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contextworker.codec_server.readers import ANYBODY, Reader, reader_of
from contextworker.codec_server.refusals import RefusedError, UnauthenticatedError
from contextworker.codec_server.settings import AUDIENCE, JWKS, CodecServerSettings
from contextworker.core.tokens.bearer import bearer_token
from contextworker.core.tokens.errors import KeysAwayError, RefusedTokenError
from contextworker.core.tokens.fresh import TrustedIssuer, trusted_keys
from contextworker.core.tokens.keys import Keys
from contextworker.core.tokens.verifier import Verifier

_RETRY_AFTER_S = 5


class Authenticator:
    """Tells who sends a request, by its header `authorization`."""

    def __init__(self, verifier: Verifier | None) -> None:
        """Take what verifies tokens; None lets everybody in."""
        self._verifier = verifier

    async def reader(self, sent: Sequence[str]) -> Reader:
        """Return who sends a request with these values of the header.

        Raises:
            UnauthenticatedError: It brings no token, or not one that says who asks.
            RefusedError: The token does not permit to decode, or the keys are away.
        """
        if self._verifier is None:
            return ANYBODY
        if not sent:
            raise UnauthenticatedError(
                "missing",
                "this codec server takes a bearer token; switch on that Temporal's UI passes the "
                "user's access token, or send the header `authorization: Bearer …`",
            )
        token = bearer_token(sent)
        if token is None:
            raise UnauthenticatedError(
                "malformed",
                "the header `authorization` must be there once, and be `Bearer`, a space and a "
                "token",
            )
        try:
            verified = await self._verifier.verify(token)
        except RefusedTokenError as refused:
            raise UnauthenticatedError(refused.problem, str(refused)) from None
        except KeysAwayError as away:
            raise RefusedError(
                503, str(away), headers={"Retry-After": str(_RETRY_AFTER_S)}
            ) from None
        return reader_of(verified.claims)


@asynccontextmanager
async def authentication(settings: CodecServerSettings) -> AsyncIterator[Authenticator]:
    """Authenticate callers while the block runs.

    Raises:
        ConfigurationError: The JWKS is a file that holds no usable key.
    """
    issuer = TrustedIssuer(
        secret=settings.codec_auth_secret,
        jwks=settings.codec_auth_jwks,
        jwks_setting=JWKS,
        name=settings.codec_auth_issuer,
        refresh_s=settings.codec_auth_refresh_s,
        max_age_s=settings.codec_auth_max_age_s,
    )
    async with trusted_keys(issuer) as keys:
        yield Authenticator(_verifier(keys, settings) if keys is not None else None)


def _verifier(keys: Keys, settings: CodecServerSettings) -> Verifier:
    return Verifier(
        keys,
        issuer=settings.codec_auth_issuer,
        audience=settings.codec_auth_audience,
        leeway_s=settings.codec_auth_leeway_s,
        service="codec server",
        audience_setting=AUDIENCE,
    )
