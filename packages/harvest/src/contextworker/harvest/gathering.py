"""What a run brings together: products that change something, rejects, and counts of all."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from contextworker.brain import RejectRecord
from contextworker.harvest.batches import Batcher, compact, pack, pack_rejects
from contextworker.harvest.changes import Comparison
from contextworker.harvest.rows.mapped import Mapped

_REJECTS_AT_ONCE = 2_000


class Packed(NamedTuple):
    """A full batch, ready to be put into the object store."""

    holds: str
    """`products` or `rejects`, as the manifest calls it."""
    data: bytes
    rows: int


class Gathering:
    """Takes what was mapped, in the feeds' order; memory holds one batch of each kind."""

    def __init__(
        self, comparison: Comparison, *, batch_rows: int, keeps_rejects: bool = True
    ) -> None:
        self._comparison = comparison
        self._products = Batcher(batch_rows)
        self._rejects: list[RejectRecord] = []
        self._keeps_rejects = keeps_rejects
        self.rows = 0
        self.products = 0
        self.filtered = 0
        self.rejected: Counter[str] = Counter()
        self.first_reject: RejectRecord | None = None

    def take(self, mapped: Mapped) -> list[Packed]:
        """Compare rows with what is known; returns the batches that get full."""
        self.rows += mapped.rows
        self.products += mapped.products.height
        self.filtered += mapped.filtered
        changed = self._comparison.select(mapped.products)
        if changed.height * 2 < mapped.products.height:
            changed = compact(changed)
        self._comparison.note(mapped.rejected_skus)
        self._comparison.withdraw(mapped.withdrawn_skus)
        return [*self._pack_products(self._products.add(changed)), *self._reject(mapped.rejects)]

    def rest(self) -> list[Packed]:
        """Return the batches that are not full."""
        packed = [*self._pack_products(self._products.rest())]
        if self._rejects:
            packed.append(Packed("rejects", pack_rejects(self._rejects), len(self._rejects)))
            self._rejects = []
        return packed

    def _pack_products(self, frames: Iterator[pl.DataFrame]) -> Iterator[Packed]:
        for frame in frames:
            yield Packed("products", pack(frame), frame.height)

    def _reject(self, rejects: tuple[RejectRecord, ...]) -> Iterator[Packed]:
        if not rejects:
            return
        self.first_reject = self.first_reject or rejects[0]
        self.rejected.update(reject.reason_code for reject in rejects)
        if not self._keeps_rejects:
            return
        self._rejects.extend(rejects)
        while len(self._rejects) >= _REJECTS_AT_ONCE:
            full, self._rejects = self._rejects[:_REJECTS_AT_ONCE], self._rejects[_REJECTS_AT_ONCE:]
            yield Packed("rejects", pack_rejects(full), len(full))
