"""Values an attribute was seen to have, found in names token by token."""

from collections.abc import Iterable, Mapping
from typing import Final

_LONGEST: Final = 6
_STEPS: Final = (1, 2, 5, 20)


class Lexicon:
    """Known values as tokens, and how many examples had each."""

    def __init__(self, counts: Mapping[tuple[str, ...], int]) -> None:
        self.counts = dict(counts)
        self._lengths: dict[str, tuple[int, ...]] = {}
        lengths: dict[str, set[int]] = {}
        for value in self.counts:
            if 0 < len(value) <= _LONGEST:
                lengths.setdefault(value[0], set()).add(len(value))
        self._lengths = {key: tuple(sorted(of, reverse=True)) for key, of in lengths.items()}

    def with_values(self, values: Iterable[tuple[str, ...]]) -> "Lexicon":
        """Return one that knows these as well, as if two examples had had each."""
        added = {value: 2 for value in values if value and value not in self.counts}
        return Lexicon(self.counts | added)

    def marks(
        self, keys: tuple[str, ...], less: frozenset[tuple[str, ...]] = frozenset()
    ) -> dict[int, list[str]]:
        """Return token -> features that say where known values begin, go on and have ended.

        Args:
            keys: The name's tokens.
            less: Values counted one less: those of the example itself, while it is learnt from.
        """
        marks: dict[int, list[str]] = {}
        lengths = self._lengths
        for first, key in enumerate(keys):
            for length in lengths.get(key, ()):
                value = keys[first : first + length]
                count = self.counts.get(value, 0)
                if value in less:
                    count -= 1
                if count > 0:
                    self._mark(marks, first, length, count, len(keys))
                    break
        return marks

    @staticmethod
    def _mark(marks: dict[int, list[str]], first: int, length: int, count: int, size: int) -> None:
        at = [f"LB{min(length, 3)}", f"LBc{bucket(count)}"]
        marks.setdefault(first, []).extend(["LB", *at])
        for token in range(first + 1, first + length):
            marks.setdefault(token, []).append("LI")
        if first + 1 < size:
            marks.setdefault(first + 1, []).extend(["-1LB", *(f"-1{mark}" for mark in at)])
        if first + length < size:
            marks.setdefault(first + length, []).append("LE")


def bucket(count: int) -> int:
    """Return a coarse count: 0, 1, 2 to 4, 5 to 19, more."""
    return sum(count >= step for step in _STEPS)
