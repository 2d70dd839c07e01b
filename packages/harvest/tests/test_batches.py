"""Batches: sized, deterministic, and the last row of each sku stays."""

from contextworker.brain import ProductRecord, RejectRecord
from contextworker.harvest.batches import Batcher, Packed, unpack
from contextworker.harvest.rows.superseded import SkuLog


def products(*skus: str) -> list[ProductRecord]:
    """Make a product for each sku, named by its place."""
    return [
        ProductRecord(sku=sku, name=f"{place}", dealer_code="camp")
        for place, sku in enumerate(skus)
    ]


def reject(number: int) -> RejectRecord:
    """Make a reject."""
    return RejectRecord(source="f", row_number=number, reason_code="bad", reason="because")


def packed(batcher: Batcher, records: list[ProductRecord | RejectRecord]) -> list[Packed]:
    """Pack records to the end."""
    return [*batcher.pack(records), *batcher.rest()]


def test_batches_of_a_size() -> None:
    """Products and rejects fill batches of their own; the rest comes last."""
    batcher = Batcher(2)
    found = packed(batcher, [*products("a", "b", "c"), reject(1), reject(2)])
    assert [(ProductRecord, 2), (RejectRecord, 2), (ProductRecord, 1)] == [
        (batch.kind, batch.rows) for batch in found
    ]
    assert (5, {"bad": 2}) == (batcher.rows, batcher.rejected_by_reason)


def test_unpack_gives_back_what_was_packed() -> None:
    """A batch holds its records exactly, but for the lines to leave out."""
    records = products("a", "ö\n", "c")
    (batch,) = packed(Batcher(9), [*records])
    assert records == unpack(batch.data, ProductRecord)
    assert [records[1]] == unpack(batch.data, ProductRecord, leave_out=(0, 2))


def test_batches_are_deterministic() -> None:
    """A retry packs the same bytes, so that it writes the same objects."""
    first, second = (packed(Batcher(2), [*products("a", "b", "c")]) for _ in range(2))
    assert first == second
    assert {bytes(4)} == {batch.data[4:8] for batch in first}  # gzip's time stamp


def test_the_last_of_a_sku_stays() -> None:
    """Earlier rows of a sku are named by batch and line, across batches."""
    batcher = Batcher(2)
    packed(batcher, [*products("a", "b", "a", "c", "a", "b")])
    assert {0: (0, 1), 1: (0,)} == batcher.superseded()


def test_sku_log_at_size() -> None:
    """Among many skus exactly the repeated ones are found, whatever their order."""
    log = SkuLog()
    for number in range(50_000):
        log.add(str(number % 40_000))
    assert list(range(10_000)) == log.superseded()
