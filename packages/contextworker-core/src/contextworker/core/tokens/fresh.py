"""Keeps the keys of a JWKS fresh while a service runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from contextworker.core.errors import ConfigurationError
from contextworker.core.tokens.keys import KeyRing
from contextworker.core.tokens.sources import FileSource, UrlSource


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
