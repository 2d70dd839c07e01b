"""How sure the tagger may be: what it says, held against how often it was right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MOST: Final = 1 - 1e-4
_ROUNDS: Final = 50
_HALVINGS: Final = 20
_SETTLED: Final = 1e-6
_PRIOR: Final = 0.05
_WORTH_FITTING: Final = 30
_PRECISION: Final = 0.95
_HIGHEST: Final = 0.99
_LOWEST: Final = 0.5


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns the probability that a field gives into how often it is right: a logistic curve."""

    slope: float = 1.0
    shift: float = 0.0

    def of(self, probability: float) -> float:
        """Return how often a value of this probability is right."""
        return _sigmoid(self.slope * _logit(probability) + self.shift)


def calibrate(outcomes: Sequence[tuple[float, bool]]) -> Calibration:
    """Fit the curve to probabilities and whether they were right, by Newton's method.

    A weak pull to no change keeps few outcomes from saying much.
    """
    if len(outcomes) < _WORTH_FITTING:
        return Calibration()
    points = [(_logit(probability), right) for probability, right in outcomes]
    slope, shift = 1.0, 0.0
    loss = _loss(points, slope, shift)
    for _ in range(_ROUNDS):
        by_slope, by_shift = _step(points, slope, shift)
        # Where the curve is flat, a whole step leads far beyond the best.
        for _ in range(_HALVINGS):
            tried = _loss(points, slope - by_slope, shift - by_shift)
            if tried <= loss:
                break
            by_slope, by_shift = by_slope / 2, by_shift / 2
        else:
            break
        slope, shift = slope - by_slope, shift - by_shift
        if loss - tried < _SETTLED:
            break
        loss = tried
    # A curve that falls would call the doubtful sure.
    return Calibration(round(min(max(slope, 0.05), 10.0), 6), round(min(max(shift, -9.0), 9.0), 6))


def _pull(points: Sequence[tuple[float, bool]]) -> float:
    return _PRIOR * math.sqrt(len(points))


def _loss(points: Sequence[tuple[float, bool]], slope: float, shift: float) -> float:
    pull = _pull(points) * ((slope - 1) ** 2 + shift**2) / 2
    return pull - sum(
        math.log(p if right else 1 - p)
        for x, right in points
        for p in [min(max(_sigmoid(slope * x + shift), 1 - _MOST), _MOST)]
    )


def _step(points: Sequence[tuple[float, bool]], slope: float, shift: float) -> tuple[float, float]:
    pull = _pull(points)
    a, b = pull * (slope - 1), pull * shift
    aa, ab, bb = pull, 0.0, pull
    for x, right in points:
        p = _sigmoid(slope * x + shift)
        a, b = a + (p - right) * x, b + (p - right)
        weight = p * (1 - p)
        aa, ab, bb = aa + weight * x * x, ab + weight * x, bb + weight
    determinant = aa * bb - ab * ab  # positive: the pull is in aa and bb
    return (bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant


def threshold_for(outcomes: Sequence[tuple[float, bool]]) -> float:
    """Return the least confidence from which 95 of 100 values were right."""
    right = total = 0
    threshold = _HIGHEST
    for confidence, was_right in sorted(outcomes, key=lambda one: -one[0]):
        right, total = right + was_right, total + 1
        if total >= _WORTH_FITTING and right >= _PRECISION * total:
            threshold = confidence
    return round(min(max(threshold, _LOWEST), _HIGHEST), 3)


def _logit(probability: float) -> float:
    bounded = min(max(probability, 1 - _MOST), _MOST)
    return math.log(bounded / (1 - bounded))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-min(max(value, -50.0), 50.0)))
