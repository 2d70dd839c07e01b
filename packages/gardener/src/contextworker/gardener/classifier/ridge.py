"""A linear model by ridge regression, and what it says of each example without having seen it.

Solved in the space of examples: one Cholesky decomposition serves all outputs, and its inverse's
diagonal gives the exact leave-one-out answers, so that calibration needs no second training.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from contextworker.core.errors import PermanentError
from contextworker.gardener.classifier.targets import Floats

PENALTY: Final = 0.1
AT_ONCE: Final = 12_500
"""Examples that are solved together, which takes 4 bytes times their square.

Of more, several models learn from as many each, and what they say is averaged.
"""

_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class Solution:
    """A linear model as weights of the examples, and its answers.

    Attributes:
        duals: A row per example; the weights of the features are `matrix.T @ duals`.
        unseen: What the model says of each example, had it been left out.
    """

    duals: Floats
    unseen: Floats


def solve(
    matrix: Any, aims: Floats, *, seed: int, progress: Callable[[int, int], None]
) -> Solution:
    """Fit aims, one row per example, around nought."""
    count = len(aims)
    parts = -(-count // AT_ONCE)
    order = np.random.Generator(np.random.PCG64(seed)).permutation(count)
    duals = np.zeros_like(aims)
    own = np.zeros_like(aims)
    for part in range(parts):
        progress(part, parts)
        # As large as can be, so that one example more never makes parts much smaller.
        start = part * count // parts
        rows = np.sort(np.roll(order, -start)[:AT_ONCE])
        with threadpool_limits(1):  # how sums are split among threads changes them a little
            some, spread = _solved(matrix[rows], aims[rows])
        duals[rows] += some / parts
        # What is said of an example less what is said without it, by the parts that have it.
        own[rows] += (some / spread[:, None] - np.float32(PENALTY) * some) / parts
    progress(parts, parts)
    together = matrix @ (matrix.T @ duals) if parts > 1 else aims - np.float32(PENALTY) * duals
    return Solution(duals, together - own)


def _solved(matrix: Any, aims: Floats) -> tuple[Floats, NDArray[np.float32]]:
    """Return the duals, and the diagonal of the inverse."""
    gram = _gram(matrix)
    gram[np.diag_indices(len(gram))] += np.float32(PENALTY)
    # LAPACK's arrays run down the columns: what is the lower half here is the upper half there.
    factor, failed = lapack.spotrf(gram.T, lower=0, overwrite_a=1, clean=0)
    if failed:
        raise PermanentError("the examples cannot be solved: their features are no finite numbers")
    duals, _ = lapack.spotrs(factor, aims, lower=0)
    inverse, _ = lapack.spotri(factor, lower=0, overwrite_c=1)
    return np.ascontiguousarray(duals), np.diag(inverse).copy()


def _gram(matrix: Any) -> NDArray[np.float32]:
    """Return what each two examples have in common; the upper half is left out."""
    count = matrix.shape[0]
    gram = np.zeros((count, count), dtype=np.float32)
    for start in range(0, count, _ROWS):
        end = min(start + _ROWS, count)
        gram[start:end, :end] = (matrix[start:end] @ matrix[:end].T.tocsr()).toarray()
    return gram
