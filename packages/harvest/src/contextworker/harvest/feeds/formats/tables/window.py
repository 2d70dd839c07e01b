"""A text feed as UTF-8 bytes, of which a window is in memory."""

import codecs
from io import StringIO
from typing import BinaryIO

from contextworker.harvest.feeds.formats.text import MAX_LINE, too_long
from contextworker.harvest.messages import Feed

_LF, _CR, _QUOTE = b"\n", b"\r", b'"'
_LEAST_READ = 64 * 1024
_MOST_BYTES = 4  # that a character takes
_MOST_STEPS = 1000


class Window:
    """Reads a file on, from `line`; what has been taken is forgotten.

    Its methods raise UnicodeError for bytes that are not of the feed's encoding.
    """

    def __init__(self, file: BinaryIO, feed: Feed) -> None:
        self._file = file
        self._feed = feed
        self._data = b""
        self._at = 0
        self._ended = False
        self.line = 1
        """The line that comes next."""
        self._decoder = None
        if codecs.lookup(feed.encoding).name != "utf-8":
            self._decoder = codecs.getincrementaldecoder(feed.encoding)()
        else:
            self._fill(len(codecs.BOM_UTF8))
            self._at = len(codecs.BOM_UTF8) if self._data.startswith(codecs.BOM_UTF8) else 0

    @property
    def is_empty(self) -> bool:
        """Whether the file has been taken to its end."""
        self._fill(1)
        return self._at == len(self._data)

    @property
    def is_at_start(self) -> bool:
        """Whether nothing has been taken yet."""
        return self.line == 1

    def piece(self, size: int) -> bytes | None:
        """Return what comes next, up to a line end before which every quote is closed.

        None where no such line end is found within that many bytes.
        """
        self._fill(size)
        end = self._data.rfind(_LF, self._at, self._at + size)
        if end < 0:
            return None
        unclosed = self._data.count(_QUOTE, self._at, end) % 2
        for _ in range(_MOST_STEPS):
            if not unclosed:
                return self._data[self._at : end + 1]
            quote = self._data.rfind(_QUOTE, self._at, end)
            sooner = self._data.rfind(_LF, self._at, quote)
            if sooner < 0:
                break
            unclosed = (unclosed + self._data.count(_QUOTE, sooner, end)) % 2
            end = sooner
        return None

    def lines(self, size: int) -> list[str]:
        """Return what comes next as lines with their ends: one, and about that many bytes.

        Raises:
            FeedError: A line is so long that the file is no such feed.
        """
        end = self._line_end(size)  # may move the window
        found = StringIO(self._data[self._at : end].decode(), newline="").readlines()
        for number, line in enumerate(found, start=self.line):
            if len(line) > MAX_LINE:
                raise too_long(self._feed, number)
        return found

    def skip(self, size: int, *, lines: int) -> None:
        """Take so many bytes, in which so many lines end."""
        self._at += size
        self.line += lines

    def _line_end(self, size: int) -> int:
        while True:
            self._fill(size + 1)
            stop = min(self._at + size, len(self._data))
            if stop == len(self._data):
                return stop
            if (end := self._data.rfind(_LF, self._at, stop)) >= 0:
                return end + 1
            # A carriage return alone ends a line too.
            end = self._data.rfind(_CR, self._at, stop)
            if end >= 0 and self._data[end + 1 : end + 2] != _LF:
                return end + 1
            if size > MAX_LINE * _MOST_BYTES:
                raise too_long(self._feed, self.line)
            size *= 2

    def _fill(self, size: int) -> None:
        missing = size - (len(self._data) - self._at)
        if missing <= 0 or self._ended:
            return
        parts = [self._data[self._at :]]
        while missing > 0 and not self._ended:
            part = self._file.read(max(missing, _LEAST_READ))
            self._ended = not part
            if self._decoder is not None:
                part = self._decoder.decode(part, final=self._ended).encode()
            parts.append(part)
            missing -= len(part)
        self._data = b"".join(parts)
        self._at = 0
