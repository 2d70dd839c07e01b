"""Fetch a source, wherever it is, and unpack it."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from contextworker.brain import FeedState
from contextworker.core.tracing import span
from contextworker.harvest.errors import FeedUnavailableError
from contextworker.harvest.feeds.fetch.answers import Answer
from contextworker.harvest.feeds.fetch.cloud import Cloud
from contextworker.harvest.feeds.fetch.files import copy_file
from contextworker.harvest.feeds.fetch.limits import FetchLimits
from contextworker.harvest.feeds.fetch.network import Resolve, resolve
from contextworker.harvest.feeds.fetch.result import Fetched, NotModified, OnBytes
from contextworker.harvest.feeds.fetch.unpack import Unpacker
from contextworker.harvest.feeds.fetch.web import Web
from contextworker.harvest.suppliers import Source


class Fetcher:
    """Fetches sources within limits.

    Args:
        limits: What one fetch may take.
        environment: Where the secrets are that supplier files name.
        resolve: Finds a host's addresses.
    """

    def __init__(
        self,
        limits: FetchLimits,
        *,
        environment: Mapping[str, str],
        resolve: Resolve = resolve,
    ) -> None:
        self._limits = limits
        tls = httpx.create_ssl_context()
        self._web = Web(limits, environment=environment, resolve=resolve, tls=tls)
        self._cloud = Cloud(limits)

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
        if not source.is_remote:
            name = await asyncio.to_thread(copy_file, source, path, self._limits)
            return await self._unpacked(source, Fetched(path, name))
        answer = await self._downloaded(source, path, known, on_bytes)
        if isinstance(answer, NotModified):
            return answer
        fetched = Fetched(path, answer.name, answer.content_type, answer.etag, answer.last_modified)
        return await self._unpacked(source, fetched, is_encoded=answer.is_encoded)

    async def _downloaded(
        self, source: Source, path: Path, known: FeedState | None, on_bytes: OnBytes
    ) -> Answer | NotModified:
        download = self._web.download if source.is_web else self._cloud.download
        url = urlsplit(source.url)
        # The host only: suppliers put logins, keys and customers' numbers into all the rest.
        asked = {
            "http.request.method": "GET",
            "server.address": url.hostname or "",
            "url.scheme": url.scheme,
        }
        with span("GET", asked, client=True) as current:
            answer = await download(source, path, known, on_bytes)
            if isinstance(answer, NotModified):
                current.set_attribute("http.response.status_code", HTTPStatus.NOT_MODIFIED.value)
            else:
                current.set_attribute("http.response.status_code", HTTPStatus.OK.value)
                size = (await asyncio.to_thread(path.stat)).st_size
                current.set_attribute("http.response.body.size", size)
            return answer

    async def _unpacked(
        self, source: Source, fetched: Fetched, *, is_encoded: bool = False
    ) -> Fetched:
        unpacker = Unpacker(source.public_url, self._limits, source.member)
        try:
            done = await asyncio.to_thread(
                unpacker.unpack, fetched.path, fetched.name, is_encoded=is_encoded
            )
        except OSError as error:
            raise FeedUnavailableError(
                f"the feed {source.public_url} cannot be unpacked on the worker's disk: "
                f"{error.strerror}"
            ) from error
        finally:
            unpacker.stop()
        return Fetched(
            path=done.path,
            name=done.name,
            content_type="" if done.was_packed else fetched.content_type,
            etag=fetched.etag,
            last_modified=fetched.last_modified,
        )
