"""Refuse a workbook too large to be read: calamine holds every cell, and every copy of a text."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.formats.workbooks.biff import BiffError, biff_extents, is_encrypted
from contextworker.harvest.feeds.formats.workbooks.extent import Extent
from contextworker.harvest.feeds.formats.workbooks.ods import ods_extents
from contextworker.harvest.feeds.formats.workbooks.xlsx import (
    SharedTexts,
    has_shared_texts,
    xlsx_extent,
)

# A sheet is read as one block from its first cell to its last, at 32 bytes a cell, full or not.
_MAX_CELLS = 20_000_000
_MAX_TEXT = 512 * 1024 * 1024
_OLE = b"\xd0\xcf\x11\xe0"
_MANIFEST = "META-INF/manifest.xml"
_MANIFEST_LENGTH = 1024 * 1024
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    BiffError,
)


def check_workbook(path: Path, *, source: str, max_bytes: int) -> None:
    """Look through an XLSX, XLS or ODS workbook before it is read.

    Raises:
        FeedError: It unpacks to more than `max_bytes`, cannot be unpacked, has a cell so far out
            that the block before it would not fit in memory, or shows a long text too often.
    """
    try:
        with path.open("rb") as file:
            is_ole = file.read(len(_OLE)) == _OLE
            file.seek(0)
            if is_ole:
                _check_size(path.stat().st_size, source, max_bytes)
                extents = biff_extents(file)
            else:
                extents = _extents(file, source, max_bytes)
            held_cells = held_text = 0
            for extent in extents:
                cells, text = held_cells + extent.cells, held_text + extent.text
                if extent.is_held:
                    held_cells, held_text = cells, text
                if cells > _MAX_CELLS:
                    raise FeedError(
                        f"the workbook {source} has cells as far out as row {extent.rows:,} and "
                        f"column {extent.columns:,}, too far to be read; delete what stands "
                        "beside the table, or save it as CSV"
                    )
                if text > _MAX_TEXT:
                    raise FeedError(
                        f"the workbook {source} repeats long texts in so many cells that they "
                        f"take more than {_MAX_TEXT:,} bytes; ask the supplier for a CSV export"
                    )
    except _DAMAGED as error:
        raise FeedError(
            f"the workbook {source} is damaged ({error}); ask the supplier for a new export"
        ) from error


def is_protected(path: Path) -> bool:
    """Whether a workbook that cannot be read is so because it takes a password."""
    try:
        with path.open("rb") as file:
            if file.read(len(_OLE)) == _OLE:
                file.seek(0)
                return is_encrypted(file)
            with zipfile.ZipFile(file) as archive, archive.open(_MANIFEST) as manifest:
                return b"encryption-data" in manifest.read(_MANIFEST_LENGTH)
    except (*_DAMAGED, KeyError):
        return False


def _extents(file: IO[bytes], source: str, max_bytes: int) -> Iterator[Extent]:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        _check_size(sum(entry.file_size for entry in entries), source, max_bytes)
        if any(entry.filename.lower() == "xl/workbook.bin" for entry in entries):
            raise FeedError(
                f"the workbook {source} is a binary one (.xlsb); ask the supplier for .xlsx or CSV"
            )
        shared = SharedTexts()
        for entry in entries:
            with archive.open(entry) as content:
                if has_shared_texts(content):
                    content.seek(0)
                    shared.read(content)
        for entry in entries:
            # Reading an entry to its end also finds out where its stated size is a lie.
            with archive.open(entry) as content:
                if entry.filename == "content.xml":
                    yield from ods_extents(content)
                else:
                    yield xlsx_extent(content, shared)


def _check_size(size: int, source: str, max_bytes: int) -> None:
    if size > max_bytes:
        raise FeedError(
            f"the workbook {source} unpacks to {size:,} bytes, more than the "
            f"{max_bytes:,} allowed; ask the supplier for a CSV export"
        )
