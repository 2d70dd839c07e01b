"""How far out the cells of XLS sheets are: BIFF8 records in an OLE file."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import olefile

from contextworker.harvest.feeds.formats.workbooks.extent import Extent
from contextworker.harvest.feeds.formats.workbooks.sst import SharedTexts

_RECORD = struct.Struct("<HH")
_PLACE = struct.Struct("<HH")
_END = 0x0A
_PASSWORD = 0x2F
# Formula, number, label, boolean, RK, text by number, and rows of RK. Blank ones do not count.
_CELLS = frozenset({0x06, 0x203, 0x204, 0x205, 0x27E, 0xFD, 0xBD, 0xD6})
_RKS = 0xBD
_SHARED = 0xFD
_TEXTS = 0xFC
_CONTINUED = 0x3C
_NUMBER = struct.Struct("<I")
_RK = 6
_LEAST = 4
_CHUNK = 1024 * 1024


class BiffError(ValueError):
    """The file is no XLS workbook."""


def biff_extents(file: IO[bytes]) -> Iterator[Extent]:
    """Measure every sheet of a workbook; of one that is encrypted, nothing can be.

    Raises:
        BiffError: It is no workbook.
    """
    with _opened(file) as stream:
        if stream is not None:
            yield from _sheets(stream)


def is_encrypted(file: IO[bytes]) -> bool:
    """Whether an OLE file is a workbook, of any age, that takes a password.

    Raises:
        BiffError: It is no workbook.
    """
    with _opened(file) as stream:
        return stream is None or any(kind == _PASSWORD for kind, _ in _records(stream))


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[IO[bytes] | None]:
    """Open the stream of records; in an encrypted XLSX workbook there is none."""
    try:
        with olefile.OleFileIO(file) as ole:
            name = next((name for name in ("Workbook", "Book") if ole.exists(name)), None)
            if name is not None:
                with ole.openstream(name) as stream:
                    yield stream
            elif ole.exists("EncryptedPackage"):
                yield None
            else:
                raise BiffError("no workbook in it")
    except (OSError, IndexError, struct.error, MemoryError) as error:
        raise BiffError(str(error)) from error


def _sheets(stream: IO[bytes]) -> Iterator[Extent]:
    extent = Extent(is_held=True)
    texts: list[bytes] = []
    shared: SharedTexts | None = None
    before = 0
    for kind, data in _records(stream):
        if kind == _TEXTS or (kind == _CONTINUED and before in {_TEXTS, _CONTINUED} and texts):
            texts.append(data)
        elif kind == _END:
            yield extent
            extent = Extent(is_held=True)
        elif kind in _CELLS and len(data) >= _LEAST:
            row, column = _PLACE.unpack_from(data)
            if kind == _RKS:
                column += max(0, (len(data) - _RK) // _RK - 1)
            extent.reach(row=row + 1, column=column + 1)
            if kind == _SHARED:
                shared = shared or SharedTexts(texts)
                extent.text += shared[_NUMBER.unpack_from(data, _RK)[0]]
        before = kind
    yield extent


def _records(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    data, at = b"", 0
    while True:
        if len(data) - at < _RECORD.size:
            data, at = data[at:] + stream.read(_CHUNK), 0
            if len(data) < _RECORD.size:
                return
        kind, length = _RECORD.unpack_from(data, at)
        end = at + _RECORD.size + length
        if end > len(data):
            data, at = data[at:] + stream.read(_CHUNK), 0
            end = _RECORD.size + length
        yield kind, data[at + _RECORD.size : end]
        at = end
