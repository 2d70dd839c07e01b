"""Delimited text that is proven plain, parsed at once by polars.

polars takes what breaks the rules of CSV in its own way: it fills short rows, takes a blank line
for a row, and reads on through stray quotes. So a text is handed to it only where its bytes show
that every quote is at a value's edge or doubled, and that there are as many delimiters as rows of
equal length have. Anything else is left to the strict reader, of which this one is the equal, only
faster.
"""

from codecs import BOM_UTF8
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from contextworker.harvest.feeds.blocks import Block
from contextworker.harvest.feeds.formats.header import Header

_LF, _CR, _QUOTE = b'\n\r"'
_LONGEST_ROW = 100_000  # the csv module refuses values of more than 131,072 characters
_MOST_COLUMNS = 2000
_BYTES = np.arange(256)

_Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Plain:
    """A piece of a feed, parsed."""

    block: Block
    lines: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a piece's bytes say of the table it is. Blank lines count as rows here."""

    columns: int
    numbers: npt.NDArray[np.uint32]
    lines: int


class PlainReader:
    """Parses pieces that end at a line end before which every quote is closed."""

    def __init__(self, header: Header, delimiter: str) -> None:
        self._names = header.names
        self._delimiter = delimiter
        self._code = ord(delimiter)
        edges = [_LF, _QUOTE, self._code]
        self._may_precede = np.isin(_BYTES, edges)
        self._may_follow = np.isin(_BYTES, [*edges, _CR])

    def read(self, piece: bytes, line: int) -> Plain | None:
        """Parse a piece that begins on this line; None where it is not proven plain."""
        shape = self._shape(piece, line)
        if shape is None:
            return None
        try:
            frame = pl.read_csv(
                piece,
                has_header=False,
                schema={str(column): pl.String for column in range(shape.columns)},
                separator=self._delimiter,
                quote_char='"' if b'"' in piece else None,
                empty_string_is_null=False,
            )
        except pl.exceptions.PolarsError:
            return None
        if frame.height != len(shape.numbers):
            return None
        block = self._block(frame, pl.Series("number", shape.numbers))
        return None if block is None else Plain(block, shape.lines)

    def _block(self, frame: pl.DataFrame, numbers: pl.Series) -> Block | None:
        if (frame.to_series(0) == "").any():
            filled = frame.select(pl.any_horizontal(pl.all() != "")).to_series()
            frame, numbers = frame.filter(filled), numbers.filter(filled)
        beyond = frame.columns[len(self._names) :]
        if not all((frame[column] == "").all() for column in beyond):
            return None
        named = [pl.col(str(column)).alias(name) for column, name in enumerate(self._names) if name]
        return Block(frame.select(named), numbers)

    def _shape(self, piece: bytes, line: int) -> _Shape | None:
        codes = np.frombuffer(piece, np.uint8)
        line_ends = np.flatnonzero(codes == _LF)
        quotes = np.flatnonzero(codes == _QUOTE) if b'"' in piece else None
        if not (
            self._delimiter.isascii()
            and not piece.startswith(BOM_UTF8)  # polars drops it
            and _is_utf8(piece)
            and _returns_end_lines(codes, line_ends)
            and (quotes is None or self._are_proper(quotes, codes))
        ):
            return None
        delimiters = np.flatnonzero(codes == self._code)
        row_ends, numbers = line_ends, np.arange(line, line + len(line_ends), dtype=np.uint32)
        if quotes is not None:
            delimiters = delimiters[_outside(delimiters, quotes)]
            are_row_ends = _outside(line_ends, quotes)
            row_ends = line_ends[are_row_ends]
            numbers = numbers[np.concatenate(([True], are_row_ends[:-1]))]
        columns = _columns(codes, row_ends, delimiters)
        if columns is None or not len(self._names) <= columns <= _MOST_COLUMNS:
            return None
        return _Shape(columns, numbers, len(line_ends))

    def _are_proper(self, quotes: _Positions, codes: npt.NDArray[np.uint8]) -> bool:
        """Tell whether quotes open and close whole values, and are doubled inside them."""
        opening, closing = quotes[0::2], quotes[1::2]
        # Before the first byte comes the last one, a line feed.
        return (
            len(opening) == len(closing)
            and bool(self._may_precede[codes[opening - 1]].all())
            and bool(self._may_follow[codes[closing + 1]].all())
        )


def _columns(
    codes: npt.NDArray[np.uint8], row_ends: _Positions, delimiters: _Positions
) -> int | None:
    """Return how many columns every row has that is not blank; None where that is not proven.

    Only a row that is too long may still hide one that is too short; polars refuses those.
    """
    starts = np.concatenate(([0], row_ends[:-1] + 1))
    lengths = row_ends - starts
    is_blank = (lengths == 0) | ((lengths == 1) & (codes[starts] == _CR))
    filled = np.flatnonzero(~is_blank)
    if not len(filled) or lengths.max() > _LONGEST_ROW:
        return None
    first, beyond = np.searchsorted(delimiters, [starts[filled[0]], row_ends[filled[0]]])
    columns = int(beyond - first) + 1
    return columns if len(delimiters) == len(filled) * (columns - 1) else None


def _returns_end_lines(codes: npt.NDArray[np.uint8], line_ends: _Positions) -> bool:
    """Tell whether each carriage return is followed by a line feed: alone it ends a line too."""
    before = np.count_nonzero(codes[line_ends - 1] == _CR)
    return bool(before == np.count_nonzero(codes == _CR))


def _outside(positions: _Positions, quotes: _Positions) -> npt.NDArray[np.bool_]:
    """Tell of each position whether as many quotes open as close before it."""
    outside: npt.NDArray[np.bool_] = np.searchsorted(quotes, positions) % 2 == 0
    return outside


def _is_utf8(piece: bytes) -> bool:
    if piece.isascii():
        return True
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True
