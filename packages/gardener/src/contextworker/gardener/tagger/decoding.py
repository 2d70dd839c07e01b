"""The likeliest labels of many names at once, and how likely they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from contextworker.gardener.tagger.crf import BEGIN, INSIDE, NEVER, OUTSIDE

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """A value found: the name's number, the attribute's, and its tokens."""

    name: int
    attribute: int
    first: int
    after: int
    probability: float
    """Of its least likely token."""


def steps_of(weights: Sequence[Sequence[Sequence[float]]]) -> Floats:
    """Return the scores of steps from label to label, per attribute, without those that cannot be.

    Args:
        weights: Per attribute, from label, to label.
    """
    steps = np.array(weights, dtype=np.float32).reshape(-1, 3, 3)
    steps[:, OUTSIDE, INSIDE] = NEVER
    return steps


def decode(scores: Floats, lengths: Sequence[int], steps: Floats) -> list[Found]:
    """Return what is found: of each name and attribute the likeliest of the best path's values.

    Args:
        scores: Per token of all names in a row, attribute and label.
        lengths: Tokens per name.
        steps: Per attribute, from label, to label.
    """
    longest = max(lengths, default=0)
    if not longest:
        return []
    size = np.array(lengths)
    inside = np.arange(longest)[None, :] < size[:, None]
    padded = np.zeros((len(lengths), longest, *scores.shape[1:]), dtype=np.float32)
    padded[inside] = scores
    padded[:, 0, :, INSIDE] = NEVER
    path = _best_path(padded, inside, steps)
    probability = _probabilities(padded, inside, steps)
    chosen: Floats = np.take_along_axis(probability, path[..., None], axis=3)[..., 0]
    return _values(path, chosen, inside)


def _best_path(scores: Floats, inside: npt.NDArray[np.bool_], steps: Floats) -> npt.NDArray[Any]:
    """Viterbi: the best label per token; what lies behind a name's end is outside."""
    names, longest, attributes, labels = scores.shape
    best = scores[:, 0]
    back = np.zeros((names, longest, attributes, labels), dtype=np.int8)
    for at in range(1, longest):
        through = best[..., :, None] + steps
        came = through.argmax(axis=2)
        reached = np.take_along_axis(through, came[:, :, None, :], axis=2)[:, :, 0] + scores[:, at]
        here = inside[:, at, None, None]
        best = np.where(here, reached, best)
        # Behind the end a path stays where it is, so that the walk back needs no lengths.
        back[:, at] = np.where(here, came, np.arange(labels))
    path = np.empty((names, longest, attributes), dtype=np.int64)
    path[:, -1] = best.argmax(axis=2)
    for at in range(longest - 1, 0, -1):
        path[:, at - 1] = np.take_along_axis(back[:, at], path[:, at, :, None], axis=2)[..., 0]
    path[~inside] = OUTSIDE
    return path


def _probabilities(scores: Floats, inside: npt.NDArray[np.bool_], steps: Floats) -> Floats:
    """Forward and backward: the probability of each label of each token."""
    longest = scores.shape[1]
    forward = np.empty_like(scores)
    forward[:, 0] = scores[:, 0]
    for at in range(1, longest):
        reached = _log_sum(forward[:, at - 1][..., :, None] + steps, 2) + scores[:, at]
        forward[:, at] = np.where(inside[:, at, None, None], reached, forward[:, at - 1])
    backward = np.zeros_like(scores)
    for at in range(longest - 2, -1, -1):
        ahead = (backward[:, at + 1] + scores[:, at + 1])[:, :, None, :] + steps
        backward[:, at] = np.where(inside[:, at + 1, None, None], _log_sum(ahead, 3), 0)
    both = forward + backward
    likely: Floats = np.exp(both - _log_sum(both, 3)[..., None])
    return likely


def _log_sum(values: Floats, axis: int) -> Floats:
    top = values.max(axis=axis, keepdims=True)
    total: Floats = np.log(np.exp(values - top).sum(axis=axis)) + top.squeeze(axis)
    return total


def _values(
    path: npt.NDArray[Any], probability: Floats, inside: npt.NDArray[np.bool_]
) -> list[Found]:
    best: dict[tuple[int, int], Found] = {}
    lengths = inside.sum(axis=1).tolist()
    for name, first, attribute in np.argwhere(path == BEGIN).tolist():
        after = first + 1
        likely = float(probability[name, first, attribute])
        while after < lengths[name] and path[name, after, attribute] == INSIDE:
            likely = min(likely, float(probability[name, after, attribute]))
            after += 1
        before = best.get((name, attribute))
        if before is None or likely > before.probability:
            best[name, attribute] = Found(name, attribute, first, after, likely)
    return list(best.values())
