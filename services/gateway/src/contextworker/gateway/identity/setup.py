"""Puts authentication together as the settings say, and keeps its keys fresh."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from contextworker.core.errors import ConfigurationError
from contextworker.gateway.identity.authenticator import Authenticator
from contextworker.gateway.identity.keys import KeyRing, Keys, SharedSecret
from contextworker.gateway.identity.settings import JWKS, AuthSettings
from contextworker.gateway.identity.sources import FileSource, UrlSource
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
    ring = await _ring(settings)
    _log.info("callers are authenticated by tokens of %s", settings.gateway_auth_issuer)
    refreshing = asyncio.create_task(ring.run())
    try:
        yield Authenticator(_tokens(ring, settings))
    finally:
        refreshing.cancel()
        await asyncio.wait([refreshing])


async def _ring(settings: AuthSettings) -> KeyRing:
    where = settings.gateway_auth_jwks
    is_url = "://" in where
    ring = KeyRing(
        UrlSource(where) if is_url else FileSource(Path(where)),
        refresh_s=settings.gateway_auth_refresh_s,
        max_age_s=settings.gateway_auth_max_age_s,
    )
    await ring.read()
    if not is_url and (trouble := ring.trouble):
        raise ConfigurationError(f"{JWKS}: {where} cannot be used: {trouble}")
    return ring


def _tokens(keys: Keys, settings: AuthSettings) -> Tokens:
    return Tokens(
        keys,
        issuer=settings.gateway_auth_issuer,
        audience=settings.gateway_auth_audience,
        leeway_s=settings.gateway_auth_leeway_s,
    )
