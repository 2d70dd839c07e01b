"""One conditional random field, learnt by CRFsuite and handed on as plain numbers."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BEGIN: Final = 0
INSIDE: Final = 1
OUTSIDE: Final = 2
LABELS: Final = ("B", "I", "O")

NEVER: Final = -1e4
"""The score of what cannot be, such as a value that goes on before it has begun."""

_L1: Final = 0.3
_L2: Final = 0.1
_ROUNDS: Final = 80
_LEAST: Final = 1e-6
_NUMBER: Final = {label: number for number, label in enumerate(LABELS)}


@dataclass(frozen=True, slots=True)
class Weights:
    """What a field has learnt: per feature and per step from label to label."""

    features: dict[str, tuple[float, float, float]]
    steps: tuple[tuple[float, float, float], ...]


class Numbers:
    """Numbers for features: what CRFsuite writes down is lines of text, and names hold anything."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    def of(self, features: Iterable[str]) -> list[str]:
        """Return their numbers, new ones for those not seen before."""
        numbers = self._numbers
        return [numbers.setdefault(feature, str(len(numbers))) for feature in features]

    def names(self) -> list[str]:
        """Return the features by number."""
        return list(self._numbers)


def learn(
    sequences: Iterable[tuple[Sequence[Sequence[str]], Sequence[int]]], numbers: Numbers
) -> Weights:
    """Learn from sequences of numbered features per token, and the label of each token.

    The same sequences in the same order give the same weights.
    """
    # Not at the top: only training needs it.
    import pycrfsuite  # type: ignore[import-untyped] # noqa: PLC0415

    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params(
        {
            "c1": _L1,
            "c2": _L2,
            "max_iterations": _ROUNDS,
            "feature.possible_transitions": True,
        }
    )
    for features, labels in sequences:
        trainer.append(features, [LABELS[label] for label in labels])
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "field")
        trainer.train(file)
        return _read(file, numbers.names())


def _read(file: str, names: Sequence[str]) -> Weights:
    import pycrfsuite  # noqa: PLC0415

    tagger = pycrfsuite.Tagger()
    tagger.open(file)
    try:
        info = tagger.info()
    finally:
        tagger.close()
    features: dict[str, list[float]] = {}
    for (number, label), weight in info.state_features.items():
        if abs(weight) >= _LEAST:
            features.setdefault(names[int(number)], [0.0, 0.0, 0.0])[_NUMBER[label]] = weight
    # A label that no example has weighs nothing, which could still be more than the others do.
    steps = [[0.0 if label in info.labels else NEVER for label in LABELS] for _ in LABELS]
    for (before, after), weight in info.transitions.items():
        steps[_NUMBER[before]][_NUMBER[after]] = weight
    return Weights(
        {name: (b, i, o) for name, (b, i, o) in features.items()},
        tuple((b, i, o) for b, i, o in steps),
    )
