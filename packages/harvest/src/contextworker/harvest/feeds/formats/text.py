"""Text feeds as lines: decoded strictly, in bounded memory."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from contextworker.harvest.errors import FeedError
from contextworker.harvest.messages import Feed

MAX_LINE = 4 * 1024 * 1024
_CHUNK = 64 * 1024


@contextmanager
def open_text(path: Path, feed: Feed) -> Iterator[TextIO]:
    """Open a text feed, its line ends untouched, without its byte order mark.

    Raises:
        FeedError: While reading: a byte is not of the feed's encoding.
    """
    with path.open(encoding=_marked(feed.encoding), newline="") as file, decoding(path, feed):
        yield file


@contextmanager
def decoding(path: Path, feed: Feed) -> Iterator[None]:
    """Say where in the file what cannot be decoded is.

    Raises:
        FeedError: A byte is not of the feed's encoding.
    """
    try:
        yield
    except UnicodeError as error:
        raise _undecodable(path, feed, _marked(feed.encoding)) from error


def _marked(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def lines(file: TextIO, feed: Feed) -> Iterator[str]:
    """Yield the lines with their ends.

    Raises:
        FeedError: A line is so long that the file is no such feed.
    """
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise too_long(feed, number)
        # With utf-16-le and the like the byte order mark is left in as a character.
        yield line.removeprefix("\ufeff") if number == 1 else line


def too_long(feed: Feed, number: int) -> FeedError:
    """Say that a line is longer than any row."""
    return FeedError(
        f"the feed {feed.source} has more than {MAX_LINE:,} characters on line {number}; "
        "it is no list of rows"
    )


def _undecodable(path: Path, feed: Feed, encoding: str) -> FeedError:
    byte, line = _first_bad_byte(path, encoding)
    if byte == 0 and encoding in {"utf-16", "utf-32"}:
        return FeedError(
            f"the feed {feed.source} does not begin with the byte order mark that {encoding} text "
            f'has; set encoding = "{encoding}-le", or what the supplier says, for this source'
        )
    return FeedError(
        f"the feed {feed.source} is not {feed.encoding} text: byte {byte + 1} on line {line} "
        "cannot be read; set the encoding of this source in the supplier file, for example "
        'encoding = "windows-1251" (Cyrillic) or "windows-1252" (Western European)'
    )


def _first_bad_byte(path: Path, encoding: str) -> tuple[int, int]:
    """Find where decoding fails; returns the offset from 0 and the line from 1."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, position = 1, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            pending = len(decoder.getstate()[0])
            try:
                line += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(encoding, errors="replace")
                return position - pending + error.start, line + good.count("\n")
            except UnicodeError:  # no byte order mark where there must be one
                return position, line
            position += len(chunk)
    return position, line
