"""How far out the cells of XLSX sheets are."""

import re
from collections.abc import Iterator
from typing import IO

import numpy as np
import numpy.typing as npt

from contextworker.harvest.feeds.formats.workbooks.extent import Extent

_CHUNK = 1024 * 1024
_LONGEST_TAG = _CHUNK
_FEW_CELLS = 5_000_000
_LITTLE_TEXT = 64 * 1024 * 1024
_HEAD = 2048

_TAG = re.compile(
    rb"""<(?:\w+:)?(row|c)\b((?:[^<>"']|"[^"]*"|'[^']*')*)>(</)?""",
)
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{0,3})(\d{1,7})["']""")
_PREFIXED = re.compile(rb":c[\s>]")
_PLAIN_CELL = b'<c r="'
_ENDS_NAME = np.isin(np.arange(256), list(b" \t\r\n>"))
_SHARED = re.compile(rb"""\bt\s*=\s*["']s["']""")
_INDEX = re.compile(rb"""\bt\s*=\s*["']s["'][^<]*<(?:\w+:)?v>\s*(\d{1,9})""")


class SharedTexts:
    """How long the texts are that cells refer to by their number."""

    def __init__(self) -> None:
        self._lengths: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self.longest = 0

    def read(self, content: IO[bytes]) -> None:
        """Read the part of a workbook in which they are."""
        lengths: list[int] = []
        rest = 0
        for chunk in iter(lambda: content.read(_CHUNK), b""):
            first, *others = re.split(rb"</(?:\w+:)?si>", chunk)
            if others:
                lengths.append(rest + len(first))
                lengths += map(len, others[:-1])
                rest = len(others[-1])
            else:
                rest += len(first)
        lengths.append(rest)
        self._lengths = np.array(lengths, np.int64)
        self.longest = int(self._lengths.max())

    def size(self, indexes: list[bytes]) -> int:
        """Return how long the texts are that these refer to."""
        numbers = np.array(indexes).astype(np.int64) if indexes else np.zeros(0, np.int64)
        return int(self._lengths[numbers[numbers < len(self._lengths)]].sum())


def has_shared_texts(content: IO[bytes]) -> bool:
    """Whether a part of a workbook holds texts that cells share."""
    return re.search(rb"<(?:\w+:)?sst[\s>]", content.read(_HEAD)) is not None


def xlsx_extent(content: IO[bytes], shared: SharedTexts) -> Extent:
    """Measure a sheet, at first roughly: styled cells with nothing in them do not count."""
    rough, cells = Extent(), 0
    for text in _overlapping(content):
        found = _reach_plain(text, rough)
        if found is None:
            break
        cells += found
    else:
        if rough.cells <= _FEW_CELLS and cells * shared.longest <= _LITTLE_TEXT:
            return rough
    content.seek(0)
    return _exact(content, shared)


def _overlapping(content: IO[bytes]) -> Iterator[bytes]:
    """Yield the content in pieces that end where a tag begins."""
    rest = b""
    while chunk := content.read(_CHUNK):
        text = rest + chunk
        end = text.rfind(b"<", max(0, len(text) - _LONGEST_TAG))
        end = len(text) if end < 0 else end
        yield text[:end]
        rest = text[end:]
    yield rest


def _reach_plain(text: bytes, extent: Extent) -> int | None:
    """Take in cells written as Excel does; returns how many, None where some are not."""
    if b":c" in text and _PREFIXED.search(text):
        return None
    codes = np.frombuffer(text + bytes(len(_PLAIN_CELL) + 12), np.uint8)
    starts = np.flatnonzero(codes[: len(text)] == _PLAIN_CELL[0])
    starts = starts[codes[starts + 1] == _PLAIN_CELL[1]]
    starts = starts[_ENDS_NAME[codes[starts + 2]]]
    count = len(starts)
    if not count:
        return 0
    for offset, code in enumerate(_PLAIN_CELL):
        if (codes[starts + offset] != code).any():
            return None
    at = starts + len(_PLAIN_CELL)
    column = np.zeros(count, np.int64)
    row = np.zeros(count, np.int64)
    for _ in range(3):
        code = codes[at].astype(np.int64)
        is_letter = (code >= ord("A")) & (code <= ord("Z"))
        column = np.where(is_letter, column * 26 + code - ord("A") + 1, column)
        at = at + is_letter
    for _ in range(7):
        code = codes[at].astype(np.int64)
        is_digit = (code >= ord("0")) & (code <= ord("9"))
        row = np.where(is_digit, row * 10 + code - ord("0"), row)
        at = at + is_digit
    if not ((codes[at] == ord('"')) & (row > 0) & (column > 0)).all():
        return None
    extent.reach(row=int(row.max()), column=int(column.max()))
    return count


def _exact(content: IO[bytes], shared: SharedTexts) -> Extent:
    extent = Extent()
    row = column = 0
    for text in _overlapping(content):
        for kind, attributes, is_closed in _TAG.findall(text):
            place = _PLACE.search(attributes)
            if kind == b"row":
                row = int(place[2]) if place else row + 1
                column = 0
                continue
            if place and place[1]:
                column, at = _number(place[1]), int(place[2])
            else:
                column, at = column + 1, row
            if not is_closed and not attributes.endswith(b"/"):
                extent.reach(row=at, column=column)
        indexes = _INDEX.findall(text)
        extent.text += shared.size(indexes)
        # Where a cell's number is not where it should be, it may be any.
        extent.text += (len(_SHARED.findall(text)) - len(indexes)) * shared.longest
    return extent


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
