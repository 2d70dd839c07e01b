"""The weights of a linear model, small enough to be carried about."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from contextworker.gardener.classifier.targets import Floats

CELLS: Final = 24_000_000
"""Weights that a model keeps, a byte each in the artefact and four in memory."""

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

    def outputs(self, matrix: Any) -> Floats:
        """Return the outputs of each row of a sparse matrix of features.

        Each row is summed for itself, feature by feature, so that it does not matter which others
        are beside it.
        """
        frequent, rare = _split(matrix, len(self.frequent.values))
        found = frequent @ self.frequent.rows
        if rare.nnz:
            found += (rare @ self._postings) @ self.examples.rows
        return np.asarray(found + self.shift, dtype=np.float32)

    @cached_property
    def _postings(self) -> Any:
        shape = (len(self.starts) - 1, len(self.examples.values))
        amounts = self.amounts.astype(np.float32)
        return sparse.csr_matrix((amounts, self.members, self.starts), shape=shape)


def most_features(examples: int, width: int) -> int | None:
    """Return how many features a model can have: None for all, while there are few examples."""
    return None if examples * width <= CELLS // 4 else CELLS // width


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


def _split(matrix: Any, place: int) -> tuple[Any, Any]:
    """Return the columns before a place, and the others."""
    before = matrix.indices < place
    ends = np.concatenate(([0], np.cumsum(before)))[matrix.indptr]
    rows = matrix.shape[0]
    first = sparse.csr_matrix(
        (matrix.data[before], matrix.indices[before], ends), shape=(rows, place)
    )
    after = ~before
    rest = sparse.csr_matrix(
        (matrix.data[after], matrix.indices[after] - place, matrix.indptr - ends),
        shape=(rows, matrix.shape[1] - place),
    )
    return first, rest
