"""Tells who sends a request: by the same tokens as the gateway takes, where they permit to read."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contextworker.codec_server.readers import ANYBODY, Reader, reader_of
from contextworker.codec_server.refusals import RefusedError, UnauthenticatedError
from contextworker.codec_server.settings import AUDIENCE, JWKS, CodecServerSettings
from contextworker.core.tokens.bearer import bearer_token
from contextworker.core.tokens.errors import KeysAwayError, RefusedTokenError
from contextworker.core.tokens.fresh import fresh_keys
from contextworker.core.tokens.keys import Keys, SharedSecret
from contextworker.core.tokens.verifier import Verifier

_log = logging.getLogger(__name__)
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
    if secret := settings.codec_auth_secret.get_secret_value():
        _log.info("callers are authenticated by tokens signed with a shared secret")
        yield Authenticator(_verifier(SharedSecret(secret), settings))
        return
    if not settings.codec_auth_jwks:
        yield Authenticator(None)
        return
    async with fresh_keys(
        settings.codec_auth_jwks,
        setting=JWKS,
        refresh_s=settings.codec_auth_refresh_s,
        max_age_s=settings.codec_auth_max_age_s,
    ) as keys:
        _log.info("callers are authenticated by tokens of %s", settings.codec_auth_issuer)
        yield Authenticator(_verifier(keys, settings))


def _verifier(keys: Keys, settings: CodecServerSettings) -> Verifier:
    return Verifier(
        keys,
        issuer=settings.codec_auth_issuer,
        audience=settings.codec_auth_audience,
        leeway_s=settings.codec_auth_leeway_s,
        service="codec server",
        audience_setting=AUDIENCE,
    )
