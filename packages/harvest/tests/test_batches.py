"""Batches: sized, deterministic, and exactly what was packed."""

import numpy as np
import polars as pl

from contextworker.brain import RejectRecord
from contextworker.harvest.batches import (
    Batcher,
    pack,
    pack_numbers,
    pack_rejects,
    unpack,
    unpack_rejects,
)


def frame(*names: str | None) -> pl.DataFrame:
    """Make a frame."""
    return pl.DataFrame({"name": names}, schema={"name": pl.String})


def test_batches_of_a_size() -> None:
    """Rows fill batches of the size in their order, whatever frames they come in."""
    batcher = Batcher(2)
    pieces = [frame("a"), frame(), frame("b", "c", "d", "e"), frame("f", "g")]
    found = [batch for piece in pieces for batch in batcher.add(piece)] + [*batcher.rest()]
    assert [["a", "b"], ["c", "d"], ["e", "f"], ["g"]] == [
        batch["name"].to_list() for batch in found
    ]
    assert [] == [*batcher.rest()]


def test_unpack_gives_back_what_was_packed() -> None:
    """A batch holds its rows exactly, but for those to leave out."""
    rows = frame("a", "ö\n", None)
    assert unpack(pack(rows)).equals(rows)
    left_out = pack_numbers(np.array([0, 2], np.uint32))
    assert ["ö\n"] == unpack(pack(rows), left_out)["name"].to_list()


def test_rejects() -> None:
    """A batch of rejects holds them exactly."""
    rejects = [
        RejectRecord(source="f", row_number=n, reason_code="bad", reason="x", raw={"a": [n, "\n"]})
        for n in range(3)
    ]
    assert rejects == unpack_rejects(pack_rejects(rejects))


def test_batches_are_deterministic() -> None:
    """A retry packs the same bytes, so that it writes the same objects."""
    assert pack(frame("a", "b")) == pack(frame("a", "b"))
    assert bytes(4) == pack_rejects([])[4:8]  # gzip's time stamp
