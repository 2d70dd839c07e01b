"""Download from a web server, going on after a broken connection."""

import asyncio
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import httpx

from contextworker.brain import FeedState
from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch.answers import (
    Answer,
    check_status,
    continues,
    read_answer,
    total_bytes,
)
from contextworker.harvest.feeds.fetch.limits import FetchLimits
from contextworker.harvest.feeds.fetch.network import CheckedNetwork, CheckedTransport, Resolve
from contextworker.harvest.feeds.fetch.receiving import Receiver
from contextworker.harvest.feeds.fetch.requests import Asking, not_the_web
from contextworker.harvest.feeds.fetch.result import NotModified, OnBytes
from contextworker.harvest.suppliers import Source

_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "contextworker-harvest"}
_BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ReadTimeout)


class Web:
    """Downloads within limits; each source over a connection of its own."""

    def __init__(
        self,
        limits: FetchLimits,
        *,
        environment: Mapping[str, str],
        resolve: Resolve,
        tls: ssl.SSLContext,
    ) -> None:
        self._limits = limits
        self._environment = environment
        self._resolve = resolve
        self._tls = tls

    async def download(
        self, source: Source, path: Path, known: FeedState | None, on_bytes: OnBytes
    ) -> Answer | NotModified:
        """Write the bytes as they come over the wire to a file.

        Raises:
            FeedError: The server, or what it answers, cannot be the feed.
            FeedUnavailableError: The server was in the way.
        """
        where, limits = source.public_url, self._limits
        network = CheckedNetwork(
            hosts=frozenset(source.allow_hosts),
            networks=limits.allowed_networks,
            resolve=self._resolve,
        )
        timeout = httpx.Timeout(limits.read_timeout_s, connect=limits.connect_timeout_s)
        try:
            async with (
                asyncio.timeout(limits.total_timeout_s),
                httpx.AsyncClient(
                    transport=CheckedTransport(network, self._tls),
                    headers=_HEADERS,
                    timeout=timeout,
                    trust_env=False,
                ) as client,
                Receiver(path, where, limits, on_bytes) as receiver,
            ):
                asking = Asking(
                    client,
                    source,
                    environment=self._environment,
                    max_redirects=limits.max_redirects,
                )
                return await _Download(asking, receiver, where, limits).run(known)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            # Not `from`: the original quotes the address with its secrets.
            raise not_the_web(where) from None
        except httpx.HTTPError as error:
            raise FeedUnavailableError(_broken(error, where)) from error
        except TimeoutError as error:
            raise FeedUnavailableError(
                f"the download of {where} took longer than {limits.total_timeout_s:,.0f} seconds"
            ) from error
        except OSError as error:
            raise FeedUnavailableError(
                f"the feed {where} cannot be kept on the worker's disk: {error.strerror}"
            ) from error


class _Download:
    """One file, asked for as often as its connection breaks."""

    def __init__(self, asking: Asking, receiver: Receiver, where: str, limits: FetchLimits) -> None:
        self._asking = asking
        self._receiver = receiver
        self._where = where
        self._limits = limits
        self._begun: Answer | None = None

    async def run(self, known: FeedState | None) -> Answer | NotModified:
        resumes = 0
        while True:
            try:
                if resumes == 0:
                    return await self._first(known)
                return await self._again()
            except _BROKEN as error:
                if self._begun is None:
                    raise
                if resumes == self._limits.max_resumes:
                    raise FeedUnavailableError(self._broke_off()) from error
            await asyncio.sleep(self._limits.resume_pause_s * 2**resumes)
            resumes += 1

    async def _first(self, known: FeedState | None) -> Answer | NotModified:
        conditions = {}
        if known is not None and known.etag is not None:
            conditions["If-None-Match"] = known.etag
        if known is not None and known.last_modified is not None:
            conditions["If-Modified-Since"] = known.last_modified
        response = await self._asking.get(conditions)
        try:
            if conditions and response.status_code == HTTPStatus.NOT_MODIFIED:
                return NotModified()
            return await self._whole(response)
        finally:
            await response.aclose()

    async def _again(self) -> Answer:
        """Ask for the rest of what has begun; for all of it where it may have changed."""
        begun = self._begun
        assert begun is not None
        part = {}
        if self._receiver.size and begun.validator is not None:
            part = {"Range": f"bytes={self._receiver.size}-", "If-Range": begun.validator}
        response = await self._asking.get(part)
        try:
            status = response.status_code
            if not part or status not in {206, 416}:
                return await self._whole(response)
            if status == HTTPStatus.PARTIAL_CONTENT and continues(
                response, self._receiver.size, self._receiver.total, begun
            ):
                return await self._receive(response, begun)
            self._receiver.restart()
            raise httpx.RemoteProtocolError("another part than the one asked for")
        finally:
            await response.aclose()

    async def _whole(self, response: httpx.Response) -> Answer:
        check_status(response, self._where, max_retry_after_s=self._limits.max_retry_after_s)
        if response.status_code == HTTPStatus.PARTIAL_CONTENT:
            raise FeedError(f"the server of {self._where} sends a part of the feed, unasked")
        self._receiver.restart()
        self._begun = read_answer(response, asked=self._asking.url, where=self._where)
        return await self._receive(response, self._begun)

    async def _receive(self, response: httpx.Response, answer: Answer) -> Answer:
        receiver = self._receiver
        receiver.expect(total_bytes(response))
        receiver.begin()
        async for chunk in response.aiter_raw():
            await receiver.take(chunk)
        if receiver.total is not None and receiver.size != receiver.total:
            raise httpx.RemoteProtocolError(
                f"{receiver.size:,} of {receiver.total:,} bytes have come"
            )
        await receiver.flush()
        return answer

    def _broke_off(self) -> str:
        size, total = self._receiver.size, self._receiver.total
        of = "" if total is None else f" of {total:,}"
        again = f", and again {self._limits.max_resumes} times" if self._limits.max_resumes else ""
        return f"the download of {self._where} broke off after {size:,}{of} bytes{again}"


def _broken(error: httpx.HTTPError, where: str) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"the server of {where} did not answer in time"
    if isinstance(error, httpx.ConnectError):
        reason = _certificate_problem(error)
        if reason:
            return f"the server of {where} cannot be trusted: {reason}"
        return f"the server of {where} cannot be reached"
    return f"the download of {where} broke off ({type(error).__name__})"


def _certificate_problem(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return str(error.verify_message)
        error = error.__cause__ or error.__context__
    return None
