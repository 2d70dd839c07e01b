"""Opens what a service verifies tokens with, and keeps it fresh while the service runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from contextworker.core.errors import ConfigurationError
from contextworker.core.tokens.keys import KeyRing, Keys, SharedSecret
from contextworker.core.tokens.sources import FileSource, UrlSource

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrustedIssuer:
    """Whose tokens a service takes: by a shared secret or a JWKS; by neither it asks for none."""

    secret: SecretStr
    jwks: str
    """A file's path, or a URL."""

    jwks_setting: str
    """The variable that says where, for what is wrong there."""

    name: str
    """What `iss` of its tokens says."""

    refresh_s: float
    max_age_s: float


@asynccontextmanager
async def trusted_keys(issuer: TrustedIssuer) -> AsyncIterator[Keys | None]:
    """Keep an issuer's keys at hand while the block runs; None where callers bring no tokens.

    Raises:
        ConfigurationError: The JWKS is a file that holds no usable key. A web server may be away:
            the service starts all the same, and lets nobody in until it is there.
    """
    if secret := issuer.secret.get_secret_value():
        _log.info("callers are authenticated by tokens signed with a shared secret")
        yield SharedSecret(secret)
        return
    if not issuer.jwks:
        yield None
        return
    async with fresh_keys(
        issuer.jwks,
        setting=issuer.jwks_setting,
        refresh_s=issuer.refresh_s,
        max_age_s=issuer.max_age_s,
    ) as keys:
        _log.info("callers are authenticated by tokens of %s", issuer.name)
        yield keys


@asynccontextmanager
async def fresh_keys(
    where: str, *, setting: str, refresh_s: float, max_age_s: float
) -> AsyncIterator[KeyRing]:
    """Read a JWKS, and again in the background while the block runs.

    Args:
        where: A file's path, or a URL.
        setting: The variable that says where, for what is wrong there.
        refresh_s: How often it is read.
        max_age_s: How long keys are good after the last time they could be read.

    Raises:
        ConfigurationError: It is a file that holds no usable key. A web server may be away: the
            service starts all the same, and lets nobody in until it is there.
    """
    is_url = "://" in where
    ring = KeyRing(
        UrlSource(where) if is_url else FileSource(Path(where)),
        refresh_s=refresh_s,
        max_age_s=max_age_s,
    )
    await ring.read()
    if not is_url and (trouble := ring.trouble):
        raise ConfigurationError(f"{setting}: {where} cannot be used: {trouble}")
    refreshing = asyncio.create_task(ring.run())
    try:
        yield ring
    finally:
        refreshing.cancel()
        await asyncio.wait([refreshing])
