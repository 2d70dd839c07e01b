"""The weights of a linear model, small enough to be carried about."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from contextworker.gardener.classifier.targets import Floats
from contextworker.gardener.classifier.vocabulary import Found

CELLS: Final = 24_000_000
"""Weights that a model keeps, a byte each in the artefact and four in memory."""

EXAMPLES_CELLS: Final = CELLS // 2
"""Of these, what rows of examples may take; where they would take more, rare features are left."""

_FINEST: Final = 127


@dataclass(frozen=True)
class Rounded:
    """Rows of numbers, each number a byte; a row's largest is told apart."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Floats) -> "Rounded":
        """Round rows."""
        scales = np.abs(rows).max(axis=1, initial=0) / _FINEST
        safe = np.where(scales > 0, scales, 1)
        return cls(np.rint(rows / safe[:, None]).astype(np.int8), scales.astype(np.float32))

    @cached_property
    def rows(self) -> Floats:
        """The numbers."""
        return self.values * self.scales[:, None]


@dataclass(frozen=True)
class Weights:
    """What each feature says of each output.

    A frequent feature has a row of its own. A rare one has the sum of its examples' rows, times how
    much it counted there: exact, and much smaller than a row for each of hundreds of thousands.

    Attributes:
        frequent: A row for each of the most frequent features.
        examples: A row per example; none where all features have rows of their own.
        starts: Where the examples of each rare feature begin; one more for the end.
        members: These examples.
        amounts: How much the feature counted in each.
        shift: What is added to each output.
    """

    frequent: Rounded
    examples: Rounded
    starts: NDArray[np.int32]
    members: NDArray[np.int32]
    amounts: NDArray[np.float16]
    shift: Floats

    def outputs(self, found: Found, count: int) -> Floats:
        """Return the outputs for the features found in so many products.

        Each product's are summed in the order of its own features, so that it does not matter
        which others are beside it.
        """
        place = int(np.searchsorted(found.columns, len(self.frequent.values)))
        ends = np.searchsorted(found.columns[:place], np.arange(len(self.frequent.values) + 1))
        # By column: a row of weights is read once for all the products that have the feature.
        frequent = sparse.csc_matrix(
            (found.values[:place], found.products[:place], ends),
            shape=(count, len(self.frequent.values)),
        )
        outputs = frequent @ self.frequent.rows
        if place < len(found.columns):
            outputs += self._by_examples(found, place, count) @ self.examples.rows
        return np.asarray(outputs + self.shift, dtype=np.float32)

    def _by_examples(self, found: Found, place: int, count: int) -> Any:
        """Return how much each example has in common with each product, rare features only."""
        columns = found.columns[place:] - len(self.frequent.values)
        starts, ends = self.starts[columns], self.starts[columns + 1]
        times = ends - starts
        entries = np.arange(times.sum()) + np.repeat(starts - (times.cumsum() - times), times)
        values = np.repeat(found.values[place:], times) * self.amounts[entries]
        products = np.repeat(found.products[place:], times)
        return sparse.coo_matrix(
            (values, (products, self.members[entries])), shape=(count, len(self.examples.values))
        )


def most_features(examples: int, width: int) -> int | None:
    """Return how many features a model can have: None for all, while there are few examples."""
    return None if examples * width <= EXAMPLES_CELLS else CELLS // width


def weigh(matrix: Any, duals: Floats, shift: Floats) -> Weights:
    """Make weights of the examples' features and the duals of a solution."""
    count, features = matrix.shape
    width = duals.shape[1]
    most = most_features(count, width)
    own = min(features, CELLS // width if most else CELLS // width - count)
    columns = matrix.tocsc()
    frequent = columns[:, :own].T.tocsr() @ duals
    if own == features:
        duals = duals[:0]
    rare = columns[:, own:]
    rare.sum_duplicates()
    return Weights(
        frequent=Rounded.of(frequent),
        examples=Rounded.of(duals),
        starts=rare.indptr.astype(np.int32),
        members=rare.indices.astype(np.int32),
        amounts=rare.data.astype(np.float16),
        shift=shift,
    )
