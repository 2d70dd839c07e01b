"""Unpack a fetched file onto the disk, in bounded memory and within bounds of size."""

import bz2
import gzip
import threading
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import zstandard

from contextworker.harvest.errors import FeedError, FeedTruncatedError
from contextworker.harvest.feeds.fetch.archive import (
    find_member,
    is_workbook,
    leads_nowhere,
    opened,
    shown,
)
from contextworker.harvest.feeds.fetch.limits import FetchLimits
from contextworker.harvest.feeds.fetch.packing import Packing, other_packing, packing
from contextworker.harvest.feeds.fetch.receiving import too_large

_PIECE = 1024 * 1024
# The densest zstd makes 128 KiB of 4 bytes, and gives all that its input makes: 8 MiB at most.
_ZSTD_PIECE = 256
_ENDINGS = {".gz", ".gzip", ".bz2", ".zst", ".zstd"}


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A file that is not packed."""

    path: Path
    name: str
    was_packed: bool


class Unpacker:
    """Unpacks one fetched file; `stop` ends it from another thread."""

    def __init__(self, where: str, limits: FetchLimits, member: str | None = None) -> None:
        self._where = where
        self._limits = limits
        self._member = member
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End a running `unpack` soon: nobody waits for it any more."""
        self._stopped.set()

    def unpack(self, path: Path, name: str, *, is_encoded: bool = False) -> Unpacked:
        """Unpack beside the file, which goes; a file that is not packed stays as it is.

        Args:
            path: What was fetched.
            name: Its own name.
            is_encoded: It was packed for the way, besides what the file is.

        Raises:
            FeedError: It unpacks to too much, is locked, damaged, or packed twice.
            FeedTruncatedError: It is cut off.
        """
        if is_encoded and packing(path) in {Packing.GZIP, Packing.ZSTD}:
            path, _ = self._layer(path, name)
        inner, inner_name = self._layer(path, name)
        if inner != path:
            self._refuse_packed(inner, inner_name)
        elif found := other_packing(path):
            raise FeedError(
                f"the feed {self._where} is {found}, which is not unpacked; ask the supplier for "
                "ZIP, gzip, bzip2 or zstd"
            )
        return Unpacked(inner, inner_name, inner != path)

    def _layer(self, path: Path, name: str) -> tuple[Path, str]:
        kind = packing(path)
        target = path.with_name(f"{path.name}-unpacked")
        if kind is None:
            return path, name
        if kind is Packing.ZIP:
            with opened(path, self._where) as archive:
                if is_workbook(archive):
                    return path, name
                info = find_member(archive, self._member, self._where)
                if info.file_size > self._limits.max_bytes:
                    raise too_large(self._where, self._limits)
                with self._explained(kind), archive.open(info) as file:
                    self._write(_pieces(file), target, path)
            name = PurePosixPath(info.filename).name
        else:
            with self._explained(kind), path.open("rb") as packed:
                self._write(_UNPACKERS[kind](packed), target, path)
            plain = PurePosixPath(name)
            name = plain.stem if plain.suffix.lower() in _ENDINGS else name
        path.unlink()
        return target, name

    def _write(self, pieces: Iterator[bytes], target: Path, path: Path) -> None:
        limits, packed = self._limits, path.stat().st_size
        bound = max(limits.unpack_free_bytes, packed * limits.max_unpack_ratio)
        size = 0
        with target.open("wb") as file:
            for piece in pieces:
                size += len(piece)
                if size > limits.max_bytes:
                    raise too_large(self._where, limits)
                if size > bound:
                    raise FeedError(
                        f"the feed {self._where} unpacks to more than {limits.max_unpack_ratio:,} "
                        "times its size, as what is meant to fill disks does; raise "
                        "CONTEXTWORKER_HARVEST_MAX_UNPACK_RATIO if that is right"
                    )
                if self._stopped.is_set():
                    raise FeedError(f"the unpacking of {self._where} was stopped")
                file.write(piece)

    def _explained(self, kind: Packing) -> "_Explained":
        return _Explained(self._where, kind)

    def _refuse_packed(self, path: Path, name: str) -> None:
        kind = packing(path)
        if kind is Packing.ZIP:
            with opened(path, self._where) as archive:
                kind = None if is_workbook(archive) else kind
        found = other_packing(path) if kind is None else f"another {kind} file"
        if found is not None:
            raise FeedError(
                f"the feed {self._where} is packed, and {shown(name) or 'what'} inside it is "
                f"{found}; ask the supplier to pack it once"
            )


class _Explained:
    """Says of a broken archive what it is, whatever its library raises."""

    def __init__(self, where: str, kind: Packing) -> None:
        self._where = where
        self._kind = kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        if isinstance(error, EOFError):
            raise FeedTruncatedError(
                f"the feed {self._where} is a {self._kind} file that is cut off; "
                "ask the supplier for a new export"
            ) from error
        if isinstance(error, _DAMAGE) or (
            type(error) is OSError and (error.errno is None or leads_nowhere(error))
        ):
            raise FeedError(
                f"the feed {self._where} is a damaged {self._kind} file ({error}); "
                "ask the supplier for a new export"
            ) from error


_DAMAGE = (
    zlib.error,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    zstandard.ZstdError,
    RuntimeError,  # what zipfile raises for a locked file
    NotImplementedError,
    UnicodeDecodeError,
)


def _pieces(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _gzip(packed: IO[bytes]) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=packed) as file:
        yield from _pieces(file)


def _bzip2(packed: IO[bytes]) -> Iterator[bytes]:
    with bz2.BZ2File(packed) as file:
        yield from _pieces(file)


def _zstd(packed: IO[bytes]) -> Iterator[bytes]:
    """Unpack frame after frame; the library's own reader takes a cut for the end."""
    frame, rest = None, b""
    library = zstandard.ZstdDecompressor()
    while piece := rest or packed.read(_ZSTD_PIECE):
        frame = frame or library.decompressobj()
        yield frame.decompress(piece)
        rest = b""
        if frame.eof:
            rest, frame = frame.unused_data, None
    if frame is not None:
        raise EOFError


_UNPACKERS = {Packing.GZIP: _gzip, Packing.BZIP2: _bzip2, Packing.ZSTD: _zstd}
