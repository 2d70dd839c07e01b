"""Read an object of a cloud's store; credentials and endpoints come from the environment."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import (
    BaseError,
    NotFoundError,
    NotModifiedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import ObjectStore, from_url

from contextworker.brain import FeedState
from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch.answers import Answer
from contextworker.harvest.feeds.fetch.limits import FetchLimits
from contextworker.harvest.feeds.fetch.receiving import Receiver
from contextworker.harvest.feeds.fetch.result import NotModified, OnBytes
from contextworker.harvest.suppliers import Source

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import BackoffConfig

_CHUNK = 64 * 1024
_LOGIN = re.compile(r"//[^/\s]*@")
_BACKOFF: "BackoffConfig" = {
    "init_backoff": timedelta(milliseconds=100),
    "max_backoff": timedelta(seconds=2),
    "base": 2,
}


class Cloud:
    """Downloads objects within limits."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits

    async def download(
        self, source: Source, path: Path, known: FeedState | None, on_bytes: OnBytes
    ) -> Answer | NotModified:
        """Write an object to a file.

        Raises:
            FeedError: It is not there, not for us, or too large.
            FeedUnavailableError: The store was in the way.
        """
        where, limits = source.public_url, self._limits
        try:
            async with (
                asyncio.timeout(limits.total_timeout_s),
                Receiver(path, where, limits, on_bytes) as receiver,
            ):
                return await self._receive(source, known, receiver)
        except NotModifiedError:
            return NotModified()
        # Not `from`: the originals quote the endpoint, with a login that may be in it.
        except (NotFoundError, FileNotFoundError):
            raise FeedError(
                f"the object {where} is not there; check the url in the supplier file"
            ) from None
        except (PermissionDeniedError, UnauthenticatedError):
            raise FeedError(
                f"the object {where} may not be read with the worker's credentials; allow it, or "
                "give the worker others"
            ) from None
        except PreconditionError:
            raise FeedUnavailableError(f"the object {where} changed while it was read") from None
        except BaseError as error:
            raise FeedUnavailableError(
                f"the object {where} cannot be read: the store is in the way ({_first_line(error)})"
            ) from None
        except TimeoutError as error:
            raise FeedUnavailableError(
                f"the object {where} did not arrive within {limits.total_timeout_s:,.0f} seconds"
            ) from error
        except OSError as error:
            raise FeedUnavailableError(
                f"the object {where} cannot be kept on the worker's disk: {error.strerror}"
            ) from error

    async def _receive(self, source: Source, known: FeedState | None, receiver: Receiver) -> Answer:
        parts = urlsplit(source.url)
        key = unquote(parts.path).strip("/")
        store = self._open(f"{parts.scheme}://{parts.netloc}")
        options: GetOptions = {}
        if known is not None and known.etag is not None:
            options["if_none_match"] = known.etag
        try:
            response = await obstore.get_async(store, key, options=options)
        except ValueError:  # two dots, a NUL
            raise FeedError(
                f"no store has an object {source.public_url}; check the url in the supplier file"
            ) from None
        meta, attributes = response.meta, response.attributes
        etag, size = meta["e_tag"], meta["size"]
        receiver.expect(size)
        receiver.begin()
        while True:
            before = receiver.size
            try:
                async for chunk in response.stream(min_chunk_size=_CHUNK):
                    await receiver.take(bytes(chunk))
                break
            except BaseError:
                # The library ends every request after a while, long downloads too.
                if etag is None or receiver.size == before:
                    raise
            rest: GetOptions = {"if_match": etag, "range": {"offset": receiver.size}}
            response = await obstore.get_async(store, key, options=rest)
        if receiver.size != size:
            raise FeedUnavailableError(
                f"the object {source.public_url} broke off after {receiver.size:,} of "
                f"{size:,} bytes"
            )
        await receiver.flush()
        return Answer(
            name=PurePosixPath(key).name,
            content_type=str(attributes.get("Content-Type", "")),
            is_encoded=str(attributes.get("Content-Encoding", "")) not in {"", "identity"},
            etag=etag,
            last_modified=None,
        )

    def _open(self, bucket: str) -> ObjectStore:
        try:
            return from_url(
                bucket,
                # The run itself is tried again, as its supplier's file says.
                retry_config={
                    "max_retries": self._limits.max_resumes,
                    "backoff": _BACKOFF,
                    "retry_timeout": timedelta(seconds=self._limits.read_timeout_s),
                },
            )
        except (BaseError, ValueError) as error:
            raise FeedError(
                f"the store {bucket} cannot be opened: {_first_line(error)}; check the url in the "
                "supplier file and the worker's environment"
            ) from None


def _first_line(error: Exception) -> str:
    return _LOGIN.sub("//", str(error).partition("\n")[0])[:200]
