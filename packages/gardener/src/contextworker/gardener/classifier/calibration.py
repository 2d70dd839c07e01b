"""How sure a classifier is, in numbers that keep their word."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import minimize, minimize_scalar

from contextworker.gardener.classifier.targets import Floats, Targets

Doubles = NDArray[np.float64]

MOST_SURE: Final = 0.999
"""What no confidence is above; a threshold of 1 lets nothing through."""

_STEPS: Final = 1000
_SURELY: Final = 2.3263
"""Standard deviations that 99 of 100 samples do not fall short of."""


class Calibration(BaseModel):
    """Turns scores of categories into confidences.

    Scores become probabilities of categories by one factor, those are summed per node, and what
    comes out is straightened per level by what was right of unseen examples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    factor: float = Field(gt=0)
    slopes: tuple[float, ...]
    shifts: tuple[float, ...]
    threshold: float = Field(ge=0, le=1)

    def confidences(self, scores: Floats, targets: Targets) -> tuple[NDArray[np.int64], Doubles]:
        """Return the best category of each row of scores, and the confidence in each level."""
        best = scores.argmax(axis=1)
        odds = _odds(_probabilities(scores, best, self.factor, targets))
        sure = 1 / (1 + np.exp(-(odds * self.slopes + self.shifts)))
        sure = np.minimum.accumulate(np.minimum(sure, MOST_SURE), axis=1)
        # Down, in the steps in which confidences are shown: what is shown as 0.8 is not less.
        return best, (np.floor(sure * _STEPS + 1e-6) / _STEPS).astype(np.float64)


def calibrate(
    scores: Floats, truth: NDArray[np.int64], targets: Targets, *, precision: float
) -> Calibration:
    """Fit the calibration to scores of examples that the model had not seen."""
    best = scores.argmax(axis=1)
    factor = float(np.exp(_best_factor(scores, truth)))
    odds = _odds(_probabilities(scores, best, factor, targets))
    right = is_right(best, truth, targets)
    lines = [_line(odds[:, level], right[:, level]) for level in range(right.shape[1])]
    draft = Calibration(
        factor=factor,
        slopes=tuple(line[0] for line in lines),
        shifts=tuple(line[1] for line in lines),
        threshold=1,
    )
    level = targets.decisive
    sure = draft.confidences(scores, targets)[1][:, level]
    return draft.model_copy(update={"threshold": _threshold(sure, right[:, level], precision)})


def is_right(
    found: NDArray[np.int64], truth: NDArray[np.int64], targets: Targets
) -> NDArray[np.bool_]:
    """Tell for each product and level whether the path found is right down to there."""
    return np.asarray((targets.nodes[:, found] == targets.nodes[:, truth]).T)


def _best_factor(scores: Floats, truth: NDArray[np.int64]) -> float:
    ahead = scores - scores.max(axis=1, keepdims=True)
    own = ahead[np.arange(len(truth)), truth]

    def surprise(logarithm: float) -> float:
        factor = np.exp(logarithm)
        return float(np.mean(np.log(np.exp(ahead * factor).sum(axis=1)) - own * factor))

    return float(minimize_scalar(surprise, bounds=(0, 6), options={"xatol": 0.01}).x)


def _probabilities(
    scores: Floats, best: NDArray[np.int64], factor: float, targets: Targets
) -> Floats:
    """Return the probability of each node of the best path."""
    rows = np.arange(len(scores))
    powers = np.exp((scores - scores[rows, best, None]) * np.float32(factor))
    whole = powers.sum(axis=1)
    shares = [
        np.add.reduceat(powers, starts, axis=1)[rows, nodes[best]] / whole
        for starts, nodes in zip(targets.starts, targets.nodes, strict=True)
    ]
    return np.stack(shares, axis=1)


def _odds(probabilities: Floats) -> Doubles:
    bounded = np.clip(probabilities.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.log(bounded / (1 - bounded))


def _line(odds: Doubles, right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and shift of the logistic line, drawn a little towards a line of slope 1."""
    signs = np.where(right, 1.0, -1.0)

    def surprise(line: Doubles) -> float:
        loss = np.logaddexp(0, -signs * (odds * line[0] + line[1])).sum()
        return float(loss + (line[0] - 1) ** 2 + line[1] ** 2)

    slope, shift = minimize(surprise, np.array([1.0, 0.0]), bounds=[(0.05, 10), (-10, 10)]).x
    return round(float(slope), 6), round(float(shift), 6)


def _threshold(sure: Doubles, right: NDArray[np.bool_], precision: float) -> float:
    """Return the lowest confidence from which on enough is right, beyond the luck of the sample."""
    steps = np.round(sure * _STEPS).astype(np.int64)
    total = np.bincount(steps, minlength=_STEPS + 1)[::-1].cumsum()[::-1]
    good = np.bincount(steps, right, minlength=_STEPS + 1)[::-1].cumsum()[::-1]
    # What is less sure than all that was tried has not been tried.
    tried = (total > 0) & (np.arange(_STEPS + 1) >= steps.min())
    enough = tried & (_at_least(good, np.maximum(total, 1)) >= precision)
    return float(np.flatnonzero(enough)[0] / _STEPS) if enough.any() else 1.0


def _at_least(good: Doubles, total: NDArray[np.int64]) -> Doubles:
    """Return Wilson's lower bound of a share."""
    share, square = good / total, _SURELY**2
    spread = _SURELY * np.sqrt(share * (1 - share) / total + square / (4 * total**2))
    return np.asarray((share + square / (2 * total) - spread) / (1 + square / total))
