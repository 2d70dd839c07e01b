"""Words of a product text, and where phrases stand in them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

# One class, one optional tail: linear in the text, whatever the text.
_WORD = re.compile(r"\w+(?:['\u2019]\w+)?")
# What comes after says what a product is for, comes with or is made of, not what it is.
_TAIL = re.compile(
    r"\s(?:for|with|from|by|für|mit|von|aus|для|із|з|від)\s|[,(\[|;]|\s[-\u2013\u2014]\s",
    re.IGNORECASE,
)
_SHORT = 3
_STEMS_KEPT = 65_536
# Names and category paths are looked at by several enrichers of a batch; descriptions are too long
# to keep.
_TEXTS_KEPT = 4096
_SHORT_TEXT = 400

Value = TypeVar("Value")
_new = tuple.__new__


class Word(NamedTuple):
    """One word: its key for comparing, and its place in the text."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hit(Generic[Value]):
    """A phrase found: what it stands for, first word, first word after it."""

    value: Value
    first: int
    after: int

    @property
    def length(self) -> int:
        """Number of words."""
        return self.after - self.first


@lru_cache(maxsize=_STEMS_KEPT)
def stem(word: str) -> str:
    """Return a word's key: case-folded, without possessive or plural s."""
    key = word.casefold().replace("\u2019", "'").removesuffix("'s").replace("'", "")
    if len(key) <= _SHORT or not key.isascii():
        return key
    if key.endswith("ies"):
        return key[:-3] + "y"
    if key.endswith(("sses", "xes", "ches", "shes")):
        return key[:-2]
    if key.endswith("s") and not key.endswith(("ss", "us", "is")):
        return key[:-1]
    return key


def words(text: str) -> list[Word]:
    """Return the words of a text; not to be changed, as the next to ask gets the same list."""
    return _words_of_short(text) if len(text) <= _SHORT_TEXT else _words(text)


def _words(text: str) -> list[Word]:
    # What a named tuple's own constructor does, without its call for every word of a catalogue.
    return [_new(Word, (stem(match[0]), *match.span())) for match in _WORD.finditer(text)]


_words_of_short = lru_cache(maxsize=_TEXTS_KEPT)(_words)


def keys(text: str) -> tuple[str, ...]:
    """Return the keys of a text's words: what a phrase is compared by."""
    return tuple(map(stem, _WORD.findall(text)))


@lru_cache(maxsize=_TEXTS_KEPT)
def head(text: str) -> str:
    """Return what stands before the first comma, bracket, "for", "with" or the like."""
    match = _TAIL.search(text, 1)
    return text[: match.start()] if match else text


def outside(found: Iterable[Word], taken: Sequence[tuple[int, int]]) -> list[Word]:
    """Return the words that begin in none of some parts of their text: starts and ends."""
    left = []
    for word in found:
        at = word[1]
        for start, end in taken:
            if start <= at < end:
                break
        else:
            left.append(word)
    return left


class Phrases(Generic[Value]):
    """Known phrases of one or more words, found in a text by looking up its word sequences."""

    def __init__(self, phrases: Mapping[str, Value] | Iterable[tuple[str, Value]]) -> None:
        items = phrases.items() if isinstance(phrases, Mapping) else phrases
        self._fill({key: value for phrase, value in items if (key := keys(phrase))})

    @classmethod
    def of_keys(cls, values: dict[tuple[str, ...], Value]) -> "Phrases[Value]":
        """Make it of phrases that are taken apart already."""
        made: Phrases[Value] = cls(())
        made._fill(values)
        return made

    def _fill(self, values: dict[tuple[str, ...], Value]) -> None:
        self._values = values
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for key in self._values:
            lengths[key[0]].add(len(key))
        # Most words of a text begin no phrase: one look-up each tells.
        self._lengths = {
            first: tuple(sorted(found, reverse=True)) for first, found in lengths.items()
        }

    def items(self) -> Iterator[tuple[str, Value]]:
        """Return each phrase's key, words joined by spaces, and what it stands for."""
        return ((" ".join(key), value) for key, value in self._values.items())

    def get(self, text: str) -> Value | None:
        """Return what the whole text stands for."""
        return self._values.get(keys(text))

    def find(self, found: list[Word]) -> list[Hit[Value]]:
        """Return every phrase among the words, the longest at each place, in order.

        A phrase inside a longer one is left out.
        """
        return self.find_keys([word[0] for word in found])

    def find_keys(self, found: Sequence[str]) -> list[Hit[Value]]:
        """Return the same among the words' keys, for texts whose words' places hardly matter."""
        hits: list[Hit[Value]] = []
        after = 0
        if self._lengths.keys().isdisjoint(found):
            return hits  # as of most texts; and told without a step per word
        for first, key in enumerate(found):
            if (lengths := self._lengths.get(key)) is None or first < after:
                continue
            hit = self._longest_at(found, first, lengths)
            if hit is not None:
                hits.append(hit)
                after = hit.after
        return hits

    def _longest_at(
        self, found: Sequence[str], first: int, lengths: tuple[int, ...]
    ) -> Hit[Value] | None:
        for length in lengths:
            key = tuple(found[first : first + length])
            value = self._values.get(key) if len(key) == length else None
            if value is not None:
                return Hit(value, first, first + length)
        return None
