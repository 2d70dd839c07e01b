"""Features become columns: which are known, and how much each counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from contextworker.gardener.classifier.views import BUCKET_BITS, VIEW_BITS, WEIGHTS, keys
from contextworker.gardener.enrichers.base import ProductText

CHUNK: Final = 256
"""Products of which features are taken at once."""

_BUCKETS: Final = 1 << BUCKET_BITS
_UNKNOWN: Final = -1


@dataclass(frozen=True)
class Vocabulary:
    """The features of some products.

    Attributes:
        buckets: The features, the most frequent first.
        counts: In how many products each of them is.
        products: Of how many.
        weights: The views, and the share of each.
    """

    buckets: NDArray[np.int32]
    counts: NDArray[np.int32]
    products: int
    weights: dict[str, float]

    def matrix(self, products: Sequence[ProductText]) -> Any:
        """Return a sparse matrix, a row per product and a column per feature."""
        chunks = [
            self._chunk(products[start : start + CHUNK]) for start in range(0, len(products), CHUNK)
        ]
        return chunks[0] if len(chunks) == 1 else sparse.vstack(chunks, format="csr")

    def _chunk(self, products: Sequence[ProductText]) -> Any:
        found = keys(products, self.weights)
        found = found[self._columns[found & (_BUCKETS - 1)] != _UNKNOWN]
        found, times = counted(found)
        columns = self._columns[found & (_BUCKETS - 1)]
        groups = found >> BUCKET_BITS
        values = _LOGARITHMS[np.minimum(times, len(_LOGARITHMS) - 1)] * self._rarity[columns]
        size = len(products) << VIEW_BITS
        squares = np.bincount(groups, values * values, minlength=size)
        scales = self._scales[np.arange(size) & ((1 << VIEW_BITS) - 1)]
        scales[squares > 0] /= np.sqrt(squares[squares > 0])
        rows = np.bincount(groups >> VIEW_BITS, minlength=len(products))
        ends = np.concatenate(([0], np.cumsum(rows))).astype(np.int32)
        data = (values * scales[groups]).astype(np.float32)
        return sparse.csr_matrix((data, columns, ends), shape=(len(products), len(self.buckets)))

    @cached_property
    def _columns(self) -> NDArray[np.int32]:
        columns = np.full(_BUCKETS, _UNKNOWN, dtype=np.int32)
        columns[self.buckets] = np.arange(len(self.buckets), dtype=np.int32)
        return columns

    @cached_property
    def _rarity(self) -> NDArray[np.float64]:
        return np.log((1 + self.products) / (1 + self.counts)) + 1

    @cached_property
    def _scales(self) -> NDArray[np.float64]:
        shares = [self.weights.get(view, 0.0) for view in WEIGHTS]
        return np.sqrt(np.pad(shares, (0, (1 << VIEW_BITS) - len(shares))))


def learn(products: Sequence[ProductText], weights: dict[str, float], *, most: int) -> Vocabulary:
    """Take the features of some products; where there are more, the most frequent ones."""
    counts = np.zeros(_BUCKETS, dtype=np.int32)
    for start in range(0, len(products), CHUNK):
        found, _ = counted(keys(products[start : start + CHUNK], weights))
        np.add.at(counts, found & (_BUCKETS - 1), 1)
    buckets = np.flatnonzero(counts).astype(np.int32)
    buckets = buckets[np.argsort(-counts[buckets], kind="stable")[:most]]
    return Vocabulary(buckets, counts[buckets], len(products), dict(weights))


def counted(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return sorted values without repetition, and how often each occurs."""
    ordered = np.sort(values)
    new = np.ones(len(ordered), dtype=np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    places = np.flatnonzero(new)
    return ordered[places], np.diff(places, append=len(ordered))


_LOGARITHMS: Final = 1 + np.log(np.maximum(np.arange(1024), 1))
