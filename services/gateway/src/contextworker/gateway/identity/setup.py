"""Puts authentication together as the settings say, and keeps its keys fresh."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contextworker.core.tokens.fresh import fresh_keys
from contextworker.core.tokens.keys import Keys, SharedSecret
from contextworker.gateway.identity.authenticator import Authenticator
from contextworker.gateway.identity.settings import JWKS, AuthSettings
from contextworker.gateway.identity.tokens import Tokens

_log = logging.getLogger(__name__)


@asynccontextmanager
async def authentication(settings: AuthSettings) -> AsyncIterator[Authenticator]:
    """Authenticate callers while the block runs.

    Raises:
        ConfigurationError: The JWKS is a file that holds no usable key. A web server may be away:
            the gateway starts all the same, and lets nobody in until it is there.
    """
    if secret := settings.gateway_auth_secret.get_secret_value():
        _log.info("callers are authenticated by tokens signed with a shared secret")
        yield Authenticator(_tokens(SharedSecret(secret), settings))
        return
    if not settings.gateway_auth_jwks:
        yield Authenticator()
        return
    async with fresh_keys(
        settings.gateway_auth_jwks,
        setting=JWKS,
        refresh_s=settings.gateway_auth_refresh_s,
        max_age_s=settings.gateway_auth_max_age_s,
    ) as keys:
        _log.info("callers are authenticated by tokens of %s", settings.gateway_auth_issuer)
        yield Authenticator(_tokens(keys, settings))


def _tokens(keys: Keys, settings: AuthSettings) -> Tokens:
    return Tokens(
        keys,
        issuer=settings.gateway_auth_issuer,
        audience=settings.gateway_auth_audience,
        leeway_s=settings.gateway_auth_leeway_s,
    )
