"""Write what arrives to a file, within the bounds of size, speed and time."""

import asyncio
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch.limits import FetchLimits
from contextworker.harvest.feeds.fetch.result import OnBytes

_BUFFER = 1024 * 1024


class Receiver:
    """A growing file; `size` is what has arrived, written or not."""

    def __init__(self, path: Path, where: str, limits: FetchLimits, on_bytes: OnBytes) -> None:
        self._path = path
        self._where = where
        self._limits = limits
        self._on_bytes = on_bytes
        self._file: BinaryIO | None = None
        self._buffer = bytearray()
        self._window = (time.monotonic(), 0)
        self.size = 0
        self.total: int | None = None

    async def __aenter__(self) -> Self:
        self._file = await asyncio.to_thread(self._path.open, "wb", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._file is not None
        self._file.close()

    def expect(self, total: int | None) -> None:
        """Note how many bytes there will be in all.

        Raises:
            FeedError: More than may be.
        """
        self.total = total
        self._check_size(total or 0)

    def begin(self) -> None:
        """Measure the speed from now on: a server may take its time before the first byte."""
        self._window = (time.monotonic(), 0)

    async def take(self, chunk: bytes) -> None:
        """Take bytes that have arrived.

        Raises:
            FeedError: They are too many.
            FeedUnavailableError: They come too slowly.
        """
        self.size += len(chunk)
        self._check_size(self.size)
        self._check_speed(len(chunk))
        self._buffer += chunk
        if len(self._buffer) >= _BUFFER:
            await self.flush()

    async def flush(self) -> None:
        """Write what has arrived."""
        assert self._file is not None
        data, self._buffer = self._buffer, bytearray()
        rest = memoryview(data)
        while rest:
            rest = rest[await asyncio.to_thread(self._file.write, rest) :]
        self._on_bytes(self.size, self.total)

    def restart(self) -> None:
        """Forget what has arrived: the other side begins anew."""
        assert self._file is not None
        if self.size:
            self._buffer.clear()
            self._file.seek(0)
            self._file.truncate()
        self.size, self.total = 0, None

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise too_large(self._where, self._limits)

    def _check_speed(self, arrived: int) -> None:
        started, got = self._window
        got += arrived
        elapsed = time.monotonic() - started
        if elapsed < self._limits.rate_window_s:
            self._window = (started, got)
            return
        if got < elapsed * self._limits.min_bytes_per_s:
            raise FeedUnavailableError(
                f"the server of {self._where} sends too slowly: {got:,} bytes in "
                f"{elapsed:,.0f} seconds"
            )
        self._window = (time.monotonic(), 0)


def too_large(where: str, limits: FetchLimits) -> FeedError:
    """Say that a feed is larger than may be."""
    return FeedError(
        f"the feed {where} is larger than the {limits.max_bytes:,} bytes allowed; "
        "raise CONTEXTWORKER_HARVEST_MAX_FEED_BYTES if that is right"
    )
