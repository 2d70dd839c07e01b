"""What a feed changes: its rows compared with what the Brain knows of the supplier.

Everything here is a few bytes a row in numpy arrays: 21 for a product that is known, 12 for one
that is not. A sku is kept as a 64-bit hash: among ten million, the chance that any two different
ones are taken for the same is below one in 300,000.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.uint32]
Flags = NDArray[np.bool_]

# Many hashes are sorted part by part, so that what sorting needs besides stays small.
_SMALL = 1_000_000
_PARTS = 64
_PART_SHIFT = np.uint64(64 - 6)
_SAME = np.int64(-1)
_MISSING = np.int64(-2)
_WITHDRAWN = np.int64(-3)


def hashes(texts: pl.Series) -> Hashes:
    """Hash texts as this process does: the same text gives the same number until it ends."""
    return texts.hash().to_numpy()


class Known:
    """What the Brain knows of a supplier: for each product its content, and where a feed has it."""

    def __init__(self, skus: Hashes, contents: Hashes, removed: Flags) -> None:
        """Take arrays in the order of `skus`, in which none comes twice."""
        self.skus = skus
        self.contents = contents
        self.removed = removed
        # The written row that is the feed's latest of a product, or why there is none.
        self.latest = np.full(len(skus), _MISSING, dtype=np.int32)

    @classmethod
    async def load(cls, frames: AsyncIterator[pl.DataFrame]) -> "Known":
        """Read frames of `KNOWN_SCHEMA`; at its peak it holds little more than the result."""
        parts: list[list[NDArray[Any]]] = [[] for _ in range(_PARTS)]
        count = 0
        async for frame in frames:
            count += frame.height
            for number, rows in _parted(frame):
                parts[number].append(rows)
        skus, contents = np.empty(count, np.uint64), np.empty(count, np.uint64)
        removed = np.empty(count, np.bool_)
        start = 0
        for number, part in enumerate(parts):
            if not part:
                continue
            rows = np.concatenate(part)
            parts[number] = []
            rows.sort(order="sku")
            here = slice(start, start := start + len(rows))
            skus[here], contents[here] = rows["sku"], rows["content"]
            removed[here] = rows["removed"]
        return cls(skus, contents, removed)

    @property
    def listed(self) -> int:
        """Products that have not been removed."""
        return len(self.skus) - int(np.count_nonzero(self.removed))

    def find(self, skus: Hashes) -> tuple[NDArray[np.intp], Flags]:
        """Return where each sku is, and whether it is there at all."""
        if not len(self.skus):
            return np.zeros(len(skus), np.intp), np.zeros(len(skus), np.bool_)
        at = np.searchsorted(self.skus, skus)
        at[at == len(self.skus)] = 0
        return at, self.skus[at] == skus


_ROW = np.dtype([("sku", np.uint64), ("content", np.uint64), ("removed", np.bool_)])


def _parted(frame: pl.DataFrame) -> list[tuple[int, NDArray[Any]]]:
    rows = np.empty(frame.height, _ROW)
    rows["sku"] = hashes(frame["sku"])
    rows["content"] = hashes(frame["content_hash"])
    rows["removed"] = frame["is_removed"].to_numpy()
    parts = (rows["sku"] >> _PART_SHIFT).astype(np.intp)
    order = np.argsort(parts, kind="stable")
    numbers, starts = np.unique(parts[order], return_index=True)
    return [
        (int(number), np.ascontiguousarray(piece))
        for number, piece in zip(numbers, np.split(rows[order], starts[1:]), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a feed comes to."""

    inserted: int
    updated: int
    returned: int
    unchanged: int
    removed: int
    duplicates: int
    listed: int
    """Products listed before this feed."""
    superseded: Numbers
    """Written rows that a later row with the same sku replaces, in order."""


class Comparison:
    """Compares a feed, frame by frame in its order, with what is known."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._rows = 0
        self._written = 0
        self._new_skus: list[Hashes] = []
        self._new_rows: list[Numbers] = []
        self._present: list[Hashes] = []
        self._spared = np.empty(0, np.intp)
        self._is_whole = True

    def select(self, products: pl.DataFrame) -> pl.DataFrame:
        """Return the rows to be written: the others are stored just so."""
        known = self._known
        skus = hashes(products["sku"])
        at, there = known.find(skus)
        same = there & ~known.removed[at] if len(known.skus) else there.copy()
        if same.any():
            same &= known.contents[at] == hashes(products["content_hash"])
        changed = ~same
        written = np.cumsum(changed) + (self._written - 1)
        # Of an index that comes twice numpy keeps the last value: the feed's latest row.
        known.latest[at[there]] = np.where(same, _SAME, written)[there]
        new = ~there
        if new.any():
            self._new_skus.append(skus[new])
            self._new_rows.append(written[new].astype(np.uint32))
        self._rows += products.height
        self._written += int(np.count_nonzero(changed))
        return products if changed.all() else products.filter(pl.Series(changed))

    def note(self, skus: tuple[str, ...]) -> None:
        """Note that the feed has products of which it says nothing that could be stored."""
        if skus:
            self._present.append(hashes(pl.Series(skus, dtype=pl.String())))

    def withdraw(self, skus: tuple[str, ...]) -> None:
        """Note that the feed says of products that they are gone."""
        if skus:
            at, there = self._known.find(hashes(pl.Series(skus, dtype=pl.String())))
            self._known.latest[at[there]] = _WITHDRAWN

    def finish(self, *, is_whole: bool) -> Plan:
        """Count what it all comes to; what a feed lacks that is not whole is not gone."""
        known = self._known
        self._is_whole = is_whole
        if self._present:
            at, there = known.find(np.concatenate(self._present))
            self._spared = np.unique(at[there])
        kept = np.zeros(self._written, np.bool_)
        changed = known.latest >= 0
        kept[known.latest[changed]] = True
        returned = int(np.count_nonzero(known.removed & changed))
        inserted = self._keep_last_of_new(kept)
        updated = int(np.count_nonzero(changed))
        unchanged = int(np.count_nonzero(known.latest == _SAME))
        return Plan(
            inserted=inserted,
            updated=updated,
            returned=returned,
            unchanged=unchanged,
            removed=int(np.count_nonzero(self._gone())),
            duplicates=self._rows - inserted - updated - unchanged,
            listed=known.listed,
            superseded=np.flatnonzero(~kept).astype(np.uint32),
        )

    def gone(self, frame: pl.DataFrame) -> pl.Series:
        """Return those skus of a frame of `KNOWN_SCHEMA` that are to be removed."""
        return self._of(frame, self._gone())

    def unchanged(self, frame: pl.DataFrame) -> pl.Series:
        """Return those skus of a frame of `KNOWN_SCHEMA` that the feed has just so."""
        return self._of(frame, self._known.latest == _SAME)

    def _gone(self) -> Flags:
        gone: Flags = self._known.latest == _WITHDRAWN
        if self._is_whole:
            missing = self._known.latest == _MISSING
            missing[self._spared] = False
            gone |= missing
        return gone & ~self._known.removed

    def _of(self, frame: pl.DataFrame, wanted: Flags) -> pl.Series:
        at, there = self._known.find(hashes(frame["sku"]))
        return frame["sku"].filter(pl.Series(there & wanted[at]) if len(wanted) else there)

    def _keep_last_of_new(self, kept: Flags) -> int:
        """Mark the last row of each sku that is not known; returns how many there are."""
        if not self._new_skus:
            return 0
        skus, rows = _drained(self._new_skus), _drained(self._new_rows)
        if len(skus) <= _SMALL:
            return _keep_last(skus, rows, kept)
        parts = (skus >> _PART_SHIFT).astype(np.uint8)
        count = 0
        for number in range(_PARTS):
            part = parts == number
            count += _keep_last(skus[part], rows[part], kept)
        return count


def _drained(pieces: list[NDArray[Any]]) -> NDArray[Any]:
    whole = np.concatenate(pieces)
    pieces.clear()
    return whole


def _keep_last(skus: Hashes, rows: Numbers, kept: Flags) -> int:
    order = np.argsort(skus, kind="stable")
    skus = skus[order]
    last = np.ones(len(skus), np.bool_)
    np.not_equal(skus[1:], skus[:-1], out=last[:-1])
    kept[rows[order[last]]] = True
    return int(np.count_nonzero(last))
