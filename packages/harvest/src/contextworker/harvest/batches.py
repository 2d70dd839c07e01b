"""Batches: what transform leaves in the object store and sync picks up.

Products and skus are Parquet, rejects gzipped JSON Lines. The manifest lists the batches.
"""

import gzip
import io
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from contextworker.brain import RejectRecord, SupplierState
from contextworker.core.messages import Message, ObjectRef

_GZIP_LEVEL = 1  # a third of the size for a tenth of the time that parsing takes
_ZSTD_LEVEL = 1  # a third of what LZ4 makes of products, in the same time
_NUMBERS = np.dtype("<u4")


class Batch(Message):
    """What is stored in one transaction."""

    ref: ObjectRef
    rows: int
    superseded: ObjectRef | None = Field(
        default=None, description="Numbers of the rows that a later one with their sku replaces."
    )


class Manifest(Message):
    """Everything that a run has to store."""

    products: tuple[Batch, ...] = ()
    rejects: tuple[Batch, ...] = ()
    removed: tuple[Batch, ...] = Field(default=(), description="Skus to mark as removed.")
    seen: tuple[Batch, ...] = Field(default=(), description="Skus to mark as seen.")
    resolved: tuple[Batch, ...] = Field(
        default=(), description="Rejects of `resolves` that became products."
    )
    resolves: str | None = Field(default=None, description="The run that is replayed.")
    state: SupplierState | None = Field(default=None, description="To be noted at the end.")


class Batcher:
    """Cuts frames into batches of a size."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._frames: list[pl.DataFrame] = []
        self._rows = 0

    def add(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Take rows; yields each batch that gets full."""
        if not frame.height:
            return
        self._frames.append(frame)
        self._rows += frame.height
        if self._rows < self._size:
            return
        rows = pl.concat(self._frames) if len(self._frames) > 1 else frame
        full = self._rows - self._rows % self._size
        for start in range(0, full, self._size):
            yield rows.slice(start, self._size)
        rest = rows.slice(full)
        self._frames = [compact(rest)] if rest.height else []
        self._rows = rest.height

    def rest(self) -> Iterator[pl.DataFrame]:
        """Yield the batch that is not full."""
        if self._frames:
            yield pl.concat(self._frames)
        self._frames, self._rows = [], 0


def compact(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the same rows without what they were taken from.

    A few rows of a large frame keep the texts of all its rows in memory.
    """
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compat_level=pl.CompatLevel.oldest())
    buffer.seek(0)
    return pl.read_ipc(buffer)


def pack(frame: pl.DataFrame) -> bytes:
    """Write a frame as bytes; the same frame gives the same ones."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=_ZSTD_LEVEL, statistics=False)
    return buffer.getvalue()


def unpack(data: bytes, superseded: bytes = b"") -> pl.DataFrame:
    """Read a frame without the superseded rows."""
    frame = pl.read_parquet(io.BytesIO(data))
    if not superseded:
        return frame
    kept = np.ones(frame.height, np.bool_)
    kept[np.frombuffer(superseded, _NUMBERS)] = False
    return frame.filter(pl.Series(kept))


def pack_numbers(numbers: NDArray[np.uint32]) -> bytes:
    """Write row numbers as `unpack` takes them."""
    return numbers.astype(_NUMBERS).tobytes()


def pack_rejects(rejects: Sequence[RejectRecord]) -> bytes:
    """Write rejects as bytes; the same ones give the same bytes."""
    lines = "\n".join(reject.model_dump_json(exclude_defaults=True) for reject in rejects)
    # Without a time stamp, so that a retry writes the same bytes under the same name.
    return gzip.compress(lines.encode(), compresslevel=_GZIP_LEVEL, mtime=0)


def unpack_rejects(data: bytes) -> list[RejectRecord]:
    """Read rejects."""
    return [RejectRecord.model_validate_json(line) for line in gzip.decompress(data).split(b"\n")]
