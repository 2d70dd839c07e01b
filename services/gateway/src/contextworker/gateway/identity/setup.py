"""Puts authentication together as the settings say, and keeps its keys fresh."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contextworker.core.tokens.fresh import TrustedIssuer, trusted_keys
from contextworker.core.tokens.keys import Keys
from contextworker.gateway.identity.authenticator import Authenticator
from contextworker.gateway.identity.settings import JWKS, AuthSettings
from contextworker.gateway.identity.tokens import Tokens


@asynccontextmanager
async def authentication(settings: AuthSettings) -> AsyncIterator[Authenticator]:
    """Authenticate callers while the block runs.

    Raises:
        ConfigurationError: The JWKS is a file that holds no usable key.
    """
    issuer = TrustedIssuer(
        secret=settings.gateway_auth_secret,
        jwks=settings.gateway_auth_jwks,
        jwks_setting=JWKS,
        name=settings.gateway_auth_issuer,
        refresh_s=settings.gateway_auth_refresh_s,
        max_age_s=settings.gateway_auth_max_age_s,
    )
    async with trusted_keys(issuer) as keys:
        yield Authenticator(_tokens(keys, settings) if keys is not None else None)


def _tokens(keys: Keys, settings: AuthSettings) -> Tokens:
    return Tokens(
        keys,
        issuer=settings.gateway_auth_issuer,
        audience=settings.gateway_auth_audience,
        leeway_s=settings.gateway_auth_leeway_s,
    )
