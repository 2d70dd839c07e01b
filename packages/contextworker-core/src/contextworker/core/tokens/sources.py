"""Where a JWKS is read from: a file, or a web server."""

import asyncio
import logging
from pathlib import Path
from typing import Protocol

import httpx

MAX_BYTES = 256 * 1024
_FETCH_S = 5.0
logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write a line at every look


class UnreadableError(Exception):
    """The JWKS cannot be read just now; says why."""


class JwksSource(Protocol):
    """Gives the text of a JWKS."""

    async def read(self) -> bytes:
        """Read it.

        Raises:
            UnreadableError: It cannot be just now.
        """


class FileSource:
    """A file; it may be replaced at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    async def read(self) -> bytes:
        """Read the file."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                text = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise UnreadableError(error.strerror or type(error).__name__) from None
        if len(text) > MAX_BYTES:
            raise UnreadableError(f"it is larger than {MAX_BYTES:,} bytes")
        return text


class UrlSource:
    """A web server's page; redirects are not followed, they might lead off https."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __str__(self) -> str:
        return self._url

    async def read(self) -> bytes:
        """Get the page: all of it within seconds, however slowly it drips."""
        try:
            async with asyncio.timeout(_FETCH_S):
                return await self._get()
        except TimeoutError:
            raise UnreadableError(f"no whole answer within {_FETCH_S:.0f} s") from None
        # ValueError, ImportError, OSError: of proxies or certificates that the environment names.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError, OSError) as error:
            raise UnreadableError(str(error) or type(error).__name__) from None

    async def _get(self) -> bytes:
        # Uncompressed: a small answer could unpack to a large one.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        text = b""
        async with (
            httpx.AsyncClient(timeout=_FETCH_S, headers=headers) as client,
            client.stream("GET", self._url) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise UnreadableError(f"it answers {answer.status_code}")
            async for part in answer.aiter_raw():
                text += part
                if len(text) > MAX_BYTES:
                    raise UnreadableError(f"it is larger than {MAX_BYTES:,} bytes")
        return text
