"""Tokens of a name, as the tagger sees it."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

LIMIT: Final = 120
"""Tokens of a name that are looked at; more is no name."""

_TOKEN: Final = re.compile(r"\w+(?:[-'\u2019.]\w+)*|[^\w\s]")
_NO_WORD: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Tokens:
    """A text, and its tokens: words, codes such as `WH-1000XM4`, and single signs."""

    text: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "Tokens":
        """Cut a text up."""
        found = [(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)][:LIMIT]
        words, starts, ends = zip(*found, strict=True) if found else ((), (), ())
        return cls(text, words, starts, ends)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The tokens case-folded: what they are compared by."""
        return tuple([word.casefold() for word in self.words])

    def between(self, first: int, after: int) -> str:
        """Return the text from a token up to another, as it stands there."""
        return self.text[self.starts[first] : self.ends[after - 1]]

    def __len__(self) -> int:
        return len(self.words)


def compact(text: str) -> str:
    """Return letters and digits alone: `157305-B21` as `157305B21`."""
    return _NO_WORD.sub("", text)
