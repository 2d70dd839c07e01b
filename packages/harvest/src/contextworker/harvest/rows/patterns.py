"""Regular expressions in one engine for single texts and for whole columns.

Rust's, as polars has it: its time grows with the text, never with the square of it, so that no
supplier file can make a worker hang.
"""

from collections.abc import Iterable
from functools import lru_cache

import polars as pl

_KEPT_CHARACTERS = 4_000_000


class Pattern:
    """What one group of a regex matches first."""

    def __init__(self, regex: str, group: int) -> None:
        self._regex = regex
        self._group = group
        self._found: dict[str, str | None] = {}
        self._characters = 0

    def expression(self, text: pl.Expr) -> pl.Expr:
        """Return the matches in a column."""
        return text.str.extract(self._regex, self._group)

    def match(self, text: str) -> str | None:
        """Return the match in a text."""
        if text not in self._found:
            self.learn((text,))
        return self._found[text]

    def learn(self, texts: Iterable[str]) -> None:
        """Match many texts at once: one by one, each costs a hundred times as much."""
        new = list(set(texts) - self._found.keys())
        if self._characters > _KEPT_CHARACTERS:
            self._found.clear()
            self._characters = 0
        self._characters += sum(map(len, new))
        matches = pl.Series(new, dtype=pl.String).str.extract(self._regex, self._group)
        self._found.update(zip(new, matches, strict=True))


@lru_cache(maxsize=256)
def pattern(regex: str, group: int) -> Pattern:
    """Return a regex's pattern, with what it has matched already."""
    return Pattern(regex, group)
