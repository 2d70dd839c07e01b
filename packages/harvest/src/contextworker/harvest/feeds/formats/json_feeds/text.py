"""A JSON document as a stream of text, of which a few million characters are held at a time."""

import re
from json import JSONDecodeError
from math import inf
from typing import Any, TextIO

from contextworker.harvest.errors import FeedError, FeedTruncatedError
from contextworker.harvest.feeds.formats.json_feeds.values import DECODER, unreadable

MAX_VALUE = 4 * 1024 * 1024
_CHUNK = 1024 * 1024
_SPACE = re.compile(r"[ \t\n\r]*")
_TORN = re.compile(r"[-+.\\\w]{0,40}\s*\Z")
_SHOWN = 40


class JsonText:
    """Takes a document apart, value by value, with the decoder of the standard library."""

    def __init__(self, file: TextIO, *, source: str) -> None:
        self._file = file
        self._source = source
        self._held = file.read(_CHUNK).removeprefix("\ufeff")
        self._at = 0
        self._forgotten = 0

    @property
    def position(self) -> int:
        """Characters taken so far."""
        return self._forgotten + self._at

    def peek(self) -> str:
        """Return the next character that is no space.

        Raises:
            FeedTruncatedError: There is none.
        """
        character = self._next()
        if not character:
            raise self._cut_off()
        return character

    def take(self, expected: str) -> str:
        """Take one of the characters that are expected.

        Raises:
            FeedError: There is another one, or none.
        """
        character = self.peek()
        if character not in expected:
            if self._ends_torn(self._at):
                raise self._cut_off()
            raise self.wrong(f"{' or '.join(expected)} is expected")
        self._at += 1
        return character

    def key(self) -> str:
        """Take a key and its colon.

        Raises:
            FeedError: There is none.
        """
        if self.peek() != '"':
            raise self.wrong("a key in quotes is expected")
        name, _ = self.value()
        self.take(":")
        return str(name)

    def value(self) -> tuple[Any, str]:
        """Take a value; returns it, and as it is written.

        Raises:
            FeedError: There is none, or it is too large to be read.
        """
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._held, self._at)
            except (ValueError, ArithmeticError, RecursionError) as error:
                if not self._is_torn(error):
                    raise self._broken(error) from error
                continue
            # What ends where the text held does, such as 12, may go on beyond it.
            if end - self._at > MAX_VALUE:
                raise self._too_large()
            if end < len(self._held) or not self._more():
                written = self._held[self._at : end]
                self._at = end
                return value, written

    def end(self) -> None:
        """Check that nothing follows.

        Raises:
            FeedError: Something does.
        """
        if self._next():
            raise self.wrong("the document should end here")

    def wrong(self, what: str) -> FeedError:
        """Say what is wrong at the current position."""
        shown = self._held[self._at : self._at + _SHOWN]
        return FeedError(
            f"the feed {self._source} is no JSON document: at character {self.position + 1:,}, "
            f"before {shown!r}, {what}; ask the supplier for a new export"
        )

    def _next(self) -> str:
        while True:
            match = _SPACE.match(self._held, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Hold more of the document, unless all of it is."""
        if len(self._held) - self._at > MAX_VALUE:
            raise self._too_large()
        chunk = self._file.read(max(_CHUNK, len(self._held) - self._at))
        self._held = self._held[self._at :] + chunk
        self._forgotten += self._at
        self._at = 0
        return bool(chunk)

    def _is_torn(self, error: Exception) -> bool:
        """Whether a value cannot be read because its rest is not held; if so, more of it is now."""
        return _where(error) >= len(self._held) - _SHOWN and self._more()

    def _broken(self, error: Exception) -> FeedError:
        where = _where(error)
        if where == inf:
            return self._cut_off()
        if where >= 0:
            if self._ends_torn(int(where)):
                return self._cut_off()
            self._at = int(where)
        return self.wrong(unreadable(error))

    def _ends_torn(self, where: int) -> bool:
        """Whether the document ends here, or in the word, number or escape that begins here."""
        torn = _TORN.match(self._held, max(0, where)) is not None
        return torn and not self._more()

    def _too_large(self) -> FeedError:
        return self.wrong(
            f"a single value has more than {MAX_VALUE:,} characters, which no row has"
        )

    def _cut_off(self) -> FeedTruncatedError:
        return FeedTruncatedError(
            f"the feed {self._source} is cut off: it ends after "
            f"{self._forgotten + len(self._held):,} characters, in the middle of its JSON; "
            "ask the supplier for a whole one"
        )


def _where(error: Exception) -> float:
    """Return where in a text the decoder stopped; where a string is not closed, that is its end."""
    if isinstance(error, JSONDecodeError):
        return inf if "Unterminated" in error.msg else error.pos
    return -1
