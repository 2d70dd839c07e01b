"""Fetch a source, wherever it is."""

import asyncio
import shutil
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx

from contextworker.brain import FeedState
from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch.limits import FetchLimits
from contextworker.harvest.feeds.fetch.result import Fetched, NotModified, OnBytes
from contextworker.harvest.suppliers import Source

_CHUNK = 1024 * 1024
_REFUSED = {
    HTTPStatus.UNAUTHORIZED: "asks for a login; check the access in the supplier file",
    HTTPStatus.FORBIDDEN: "refuses access; ask the supplier to allow it",
    HTTPStatus.NOT_FOUND: "is not there; ask the supplier for the feed's address",
    HTTPStatus.GONE: "is gone; ask the supplier for the feed's new address",
}
_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class Fetcher:
    """Fetches sources within limits."""

    def __init__(self, http: httpx.AsyncClient, limits: FetchLimits) -> None:
        self._http = http
        self._max_bytes = limits.max_bytes

    async def fetch(
        self, source: Source, folder: Path, known: FeedState | None, on_bytes: OnBytes
    ) -> Fetched | NotModified:
        """Bring the source into a folder.

        Args:
            source: What to fetch.
            folder: Empty, and to be removed by the caller.
            known: What was remembered of it when it was last fetched.
            on_bytes: Told how far it is.

        Raises:
            FeedError: It is not there, not for us, too large, cut off or packed in a wrong way.
            FeedUnavailableError: The server was in the way; later may be better.
        """
        path = folder / "feed"
        name = PurePosixPath(urlsplit(source.url).path).name
        if source.is_remote:
            content_type = await self._download(source, path, on_bytes)
            return Fetched(path, name, content_type)
        await asyncio.to_thread(self._copy, source, path)
        return Fetched(path, name)

    def _copy(self, source: Source, path: Path) -> None:
        # A copy, because the supplier may replace the file while it is being read.
        original = Path(url2pathname(urlsplit(source.url).path))
        try:
            if original.exists() and not original.is_file():
                raise FeedError(
                    f"the feed file {original} cannot be read: it is a folder or a device; "
                    "check the url in the supplier file"
                )
            if original.stat().st_size > self._max_bytes:
                raise self._too_large(source)
            shutil.copyfile(original, path)
        except FileNotFoundError as error:
            raise FeedError(
                f"the feed file {original} does not exist; check the url in the supplier file"
            ) from error
        except PermissionError as error:
            raise FeedError(f"the feed file {original} cannot be read: {error.strerror}") from error
        except OSError as error:
            raise FeedUnavailableError(
                f"the feed file {original} cannot be copied: {error.strerror}"
            ) from error
        except ValueError as error:  # a NUL in the path
            raise FeedError(f"the feed file {str(original)!r} cannot be: {error}") from error

    async def _download(self, source: Source, path: Path, on_bytes: OnBytes) -> str:
        where = source.public_url
        try:
            async with self._http.stream("GET", source.url) as response:
                _check_redirects(response, where)
                _check_status(response, where)
                with path.open("wb") as file:
                    await self._receive(response, file, source, on_bytes)
                return str(response.headers.get("content-type", ""))
        except httpx.TimeoutException as error:
            raise FeedUnavailableError(f"the server of {where} did not answer in time") from error
        except httpx.TooManyRedirects as error:
            raise FeedError(
                f"the address {where} redirects in a circle; ask the supplier for the right one"
            ) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            # Not `from`: the original quotes the address with its secrets.
            raise FeedError(
                f"the address {where}, or one it redirects to, is no web address; correct the url"
            ) from None
        except httpx.ConnectError as error:
            raise FeedUnavailableError(f"the server of {where} cannot be reached") from error
        except httpx.HTTPError as error:
            raise FeedUnavailableError(
                f"the download of {where} broke off ({type(error).__name__})"
            ) from error
        except OSError as error:
            raise FeedUnavailableError(
                f"the feed {where} cannot be kept on the worker's disk: {error.strerror}"
            ) from error

    async def _receive(
        self, response: httpx.Response, file: BinaryIO, source: Source, on_bytes: OnBytes
    ) -> None:
        length = response.headers.get("content-length", "")
        encoded = "content-encoding" in response.headers
        total = int(length) if length.isdigit() and not encoded else None
        if total is not None and total > self._max_bytes:
            raise self._too_large(source)
        done = 0
        async for chunk in response.aiter_bytes(_CHUNK):
            done += len(chunk)
            if done > self._max_bytes:
                raise self._too_large(source)
            await asyncio.to_thread(file.write, chunk)
            on_bytes(done, total)

    def _too_large(self, source: Source) -> FeedError:
        return FeedError(
            f"the feed {source.public_url} is larger than the {self._max_bytes:,} bytes allowed; "
            "raise CONTEXTWORKER_HARVEST_MAX_FEED_BYTES if that is right"
        )


def _check_redirects(response: httpx.Response, where: str) -> None:
    if response.url.scheme == "http" and any(hop.url.scheme == "https" for hop in response.history):
        raise FeedError(
            f"the address {where} redirects from https to http, where anyone can change "
            "the feed; ask the supplier for an https address"
        )


def _check_status(response: httpx.Response, where: str) -> None:
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
        raise FeedUnavailableError(f"the server of {where} answers with HTTP {status}")
    meaning = next((text for code, text in _REFUSED.items() if code == status), None)
    problem = meaning or "is refused; check the url in the supplier file"
    raise FeedError(f"the feed {where} {problem} (HTTP {status})")
