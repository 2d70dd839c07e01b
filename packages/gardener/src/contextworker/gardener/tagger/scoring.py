"""How good a tagger is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


def is_right(found: str | None, acceptable: Sequence[str]) -> bool:
    """Tell whether a value counts as right.

    It equals one of the acceptable values, whatever their case and however wide their spaces;
    where there is none, nothing must be found.
    """
    if found is None:
        return not acceptable
    return _plain(found) in {_plain(value) for value in acceptable}


@dataclass(frozen=True, slots=True)
class Score:
    """Of one attribute, over the names in which somebody looked for it."""

    expected: int
    """Names that have a value."""
    found: int
    """Names in which one was found."""
    right: int
    """Of those, the ones that are right."""

    @property
    def precision(self) -> float:
        """Of what was found, how much is right."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Of what there is, how much was found and right."""
        return self.right / self.expected if self.expected else 0.0

    @property
    def f1(self) -> float:
        """Both in one: their harmonic mean."""
        total = self.found + self.expected
        return 2 * self.right / total if total else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return counts and figures."""
        return {
            "expected": self.expected,
            "found": self.found,
            "right": self.right,
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
        }


def score(pairs: Iterable[tuple[str | None, Sequence[str]]]) -> Score:
    """Score what was found against what is acceptable."""
    expected = found = right = 0
    for value, acceptable in pairs:
        expected += bool(acceptable)
        found += value is not None
        right += value is not None and is_right(value, acceptable)
    return Score(expected, found, right)


@dataclass(frozen=True, slots=True)
class TagScores:
    """Of a tagger, per attribute, by cross-validation."""

    attributes: Mapping[str, Score]
    examples: int
    folds: int

    @property
    def f1(self) -> float:
        """Over all attributes, each value counting once: what two taggers are compared by."""
        return self.total.f1

    @property
    def total(self) -> Score:
        """All attributes together."""
        scores = self.attributes.values()
        return Score(
            sum(one.expected for one in scores),
            sum(one.found for one in scores),
            sum(one.right for one in scores),
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as a model's record keeps it."""
        return {
            "examples": self.examples,
            "folds": self.folds,
            "f1": round(self.f1, 4),
            **{name: one.as_json() for name, one in self.attributes.items()},
        }


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
