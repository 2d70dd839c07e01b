"""Features become columns: which are known, and how much each counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from contextworker.gardener.classifier.views import (
    BUCKETS,
    PRODUCTS_BITS,
    WEIGHTS,
    found_in,
    view_of,
)
from contextworker.gardener.enrichers.base import ProductText

CHUNK: Final = 1 << PRODUCTS_BITS
"""Products of which features are taken at once."""

_PLACE: Final = CHUNK - 1
_LOGARITHMS: Final = 1 + np.log(np.maximum(np.arange(1024), 1))


@dataclass(frozen=True, slots=True)
class Found:
    """The features of up to CHUNK products, by column, then by product."""

    columns: NDArray[np.int32]
    products: NDArray[np.int32]
    values: NDArray[np.float32]


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
    weights: Mapping[str, float]

    def matrix(self, products: Sequence[ProductText]) -> Any:
        """Return a sparse matrix, a row per product and a column per feature."""
        chunks = []
        for start in range(0, len(products), CHUNK):
            chunk = products[start : start + CHUNK]
            found = self.find(chunk)
            shape = (len(chunk), len(self.buckets))
            entries = (found.values, (found.products, found.columns))
            chunks.append(sparse.csr_matrix(entries, shape=shape))
        return sparse.vstack(chunks, format="csr")

    def find(self, products: Sequence[ProductText]) -> Found:
        """Find the known features of up to CHUNK products.

        What counts more: to occur often in the product, though by the logarithm; and to be in few
        products. All of a view's values together are as long as the root of the view's share.
        """
        of, buckets = found_in(products, self.weights)
        known = self._columns[buckets]
        keys, times = counted(((known << PRODUCTS_BITS) | of)[known >= 0])
        columns, places = keys >> PRODUCTS_BITS, keys & _PLACE
        values = _LOGARITHMS[np.minimum(times, len(_LOGARITHMS) - 1)] * self._rarity[columns]
        groups = places * len(WEIGHTS) + self._views[columns]
        size = len(products) * len(WEIGHTS)
        squares = np.bincount(groups, values * values, minlength=size)
        scales = np.tile(self._lengths, len(products))
        scales[squares > 0] /= np.sqrt(squares[squares > 0])
        return Found(columns, places, (values * scales[groups]).astype(np.float32))

    @cached_property
    def _columns(self) -> NDArray[np.int32]:
        columns = np.full(BUCKETS, -1, dtype=np.int32)
        columns[self.buckets] = np.arange(len(self.buckets), dtype=np.int32)
        return columns

    @cached_property
    def _views(self) -> NDArray[np.int64]:
        return view_of(self.buckets)

    @cached_property
    def _rarity(self) -> NDArray[np.float64]:
        return np.asarray(np.log((1 + self.products) / (1 + self.counts)) + 1)

    @cached_property
    def _lengths(self) -> NDArray[np.float64]:
        return np.sqrt([self.weights.get(view, 0.0) for view in WEIGHTS])


def learn(
    products: Sequence[ProductText], weights: Mapping[str, float], *, most: int | None
) -> Vocabulary:
    """Take the features of some products; where there are more than `most`, the most frequent."""
    counts = np.zeros(BUCKETS, dtype=np.int32)
    for start in range(0, len(products), CHUNK):
        of, buckets = found_in(products[start : start + CHUNK], weights)
        keys, _ = counted((buckets << PRODUCTS_BITS) | of)
        np.add.at(counts, keys >> PRODUCTS_BITS, 1)
    buckets = np.flatnonzero(counts).astype(np.int32)
    buckets = buckets[np.argsort(-counts[buckets], kind="stable")[:most]]
    return Vocabulary(buckets, counts[buckets], len(products), dict(weights))


def counted(keys: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return sorted keys without repetition, and how often each occurs."""
    ordered = np.sort(keys)
    new = np.ones(len(ordered), dtype=np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    places = np.flatnonzero(new)
    return ordered[places], np.diff(places, append=len(ordered))
