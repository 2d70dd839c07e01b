"""Whether a new model is to take the place of the current one.

Both are judged on the same examples, and on each by a model that had not seen it, for whoever has
seen the answer is no measure. Of the new model that is what cross-validation says. Of the current
one, it is what its own cross-validation said for the examples that it was trained on, and what it
answers today for those that are new since.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

RIGHT: Final = "right_on_unseen"
SEEN: Final = "seen"
"""Of a model's scores: how right it was on what it had not seen; and the object of fingerprints of
what it was trained on."""

_ROUNDING: Final = 0.0005


@dataclass(frozen=True, slots=True)
class Current:
    """The current model, as it is compared."""

    version: str
    scores: Mapping[str, Any]
    seen: Collection[str]
    """Fingerprints of what it was trained on."""

    def new_since(self, fingerprints: Sequence[str]) -> list[int]:
        """Return the places of the examples that it has not seen."""
        known = frozenset(self.seen)
        return [place for place, one in enumerate(fingerprints) if one not in known]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison came to."""

    use: bool
    reason: str
    before: float | None = None
    """How right the current model is on the same examples."""


def compare(
    rights: Sequence[float],
    current: Current | None,
    rescored: Sequence[float] | None,
    *,
    version: str,
    force: bool = False,
) -> Verdict:
    """Decide.

    Args:
        rights: How right the new model is on each example, held out.
        current: What it would replace; None where there is nothing.
        rescored: How right the current one is on each example that is new since its training; None
            where it cannot be read.
        version: Of the new model.
        force: Use it in any case.
    """
    after = mean(rights)
    if current is None:
        return Verdict(use=True, reason=f"it is the first; it is right {_percent(after)}")
    recorded = current.scores.get(RIGHT)
    if current.version == version:
        return Verdict(
            use=True, reason="it is the current model: the examples are the same", before=after
        )
    if rescored is None or not isinstance(recorded, int | float):
        what = "cannot be read" if rescored is None else "was never scored"
        return Verdict(use=True, reason=f"the current one {what}; it is right {_percent(after)}")
    seen = len(rights) - len(rescored)
    before = (recorded * seen + sum(rescored)) / len(rights)
    on = _basis(seen, len(rescored))
    said = f"it is right {_percent(after)}, the current one {_percent(before)}, {on}"
    if after >= before - _ROUNDING:
        return Verdict(use=True, reason=said, before=before)
    if force:
        return Verdict(use=True, reason=f"it was forced, although {said}", before=before)
    return Verdict(use=False, reason=said, before=before)


def mean(rights: Sequence[float]) -> float:
    """Return the mean; 0 of nothing."""
    return sum(rights) / len(rights) if rights else 0.0


def _percent(part: float) -> str:
    return f"in {part:.1%}"


def _basis(seen: int, new: int) -> str:
    if not new:
        return f"by cross-validation of both on {seen:,} examples"
    return (
        f"on {seen + new:,} examples that neither had seen: {seen:,} by cross-validation of both, "
        f"{new:,} that are new since the current one was trained"
    )
