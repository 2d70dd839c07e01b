"""What the tagger goes by: features of a token, of those beside it, and of its place.

A word's own features, as seen from two tokens before to two after it, do not depend on the name it
stands in, so that they are looked up once per word; `context` makes those that do.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from contextworker.gardener.tagger.knowledge import Facts
from contextworker.gardener.tagger.tokens import Tokens

REACH: Final = 2
"""Tokens to either side that a token's label may depend on."""
OFFSETS: Final = tuple(range(-REACH, REACH + 1))

_REPEATED: Final = re.compile(r"(.)\1{2,}")
_DIGIT: Final = re.compile(r"\d")
_WORDS_KEPT: Final = 65_536
_CODE_LENGTH: Final = 8
_POSITIONS: Final = 6
_FROM_END: Final = 4
_CATEGORY_POSITIONS: Final = 3
_SHORT: Final = 3


@lru_cache(maxsize=_WORDS_KEPT)
def shape(word: str) -> str:
    """Return `Xxx-99` for `Gore-42`, runs of more than two cut to two."""
    signs = [
        "X" if char.isupper() else "x" if char.isalpha() else "9" if char.isdigit() else char
        for char in word
    ]
    return _REPEATED.sub(r"\1\1", "".join(signs))


@lru_cache(maxsize=_WORDS_KEPT)
def spelled(word: str) -> tuple[str, ...]:
    """Return the features of a word alone; the word and its shape come first."""
    key = word.casefold()
    found = [
        f"w={key}", f"s={shape(word)}", f"p2={key[:2]}", f"p3={key[:3]}", f"p4={key[:4]}",
        f"e1={key[-1:]}", f"e2={key[-2:]}", f"e3={key[-3:]}", f"e4={key[-4:]}",
    ]  # fmt: skip
    if any(char.isdigit() for char in key):
        found += ["digit", "n=" + _DIGIT.sub("9", key)]
        if any(char.isalpha() for char in key):
            found.append(f"code{min(len(key), _CODE_LENGTH)}")
    if len(key) < _SHORT:
        found.append("short")
    if word.isupper():
        found.append("UP")
    elif word[:1].isupper():
        found.append("Up")
    if not key[1:-1].isalnum() and len(key) >= _SHORT:
        found.append("joined")
    return tuple(found)


def seen_from(offset: int, word: str, facts: Sequence[str]) -> list[str]:
    """Return a word's features as seen from a token so many tokens before or after it."""
    own = spelled(word)
    if abs(offset) == REACH:
        own = own[:2]
    if offset == 0:
        return [*own, *facts]
    return [f"{offset}:{feature}" for feature in (*own, *facts)]


def beyond(offset: int) -> str:
    """Return the feature of a token that has no other at an offset: the name ends before."""
    return f"{offset}:#"


def context(tokens: Tokens, facts: Sequence[Facts], category: str) -> Iterator[list[str]]:
    """Yield, per token, the features that depend on more than one word: pairs, place, category."""
    keys = tokens.keys
    shapes = [shape(word) for word in tokens.words]
    known = [fact.shared for fact in facts]
    last = len(keys) - 1
    repeated = len(set(keys)) <= last
    for at, key in enumerate(keys):
        place = f"pos{min(at, _POSITIONS)}"
        found = [
            place,
            f"end{min(last - at, _FROM_END)}",
            f"{place}{shapes[at]}",
            f"c:{category}",
            f"cw:{category}|{key}",
            f"cp:{category}|{min(at, _CATEGORY_POSITIONS)}",
        ]
        mine = known[at]
        found += [place + fact for fact in mine]
        if at:
            before = keys[at - 1]
            found.append(f"b-:{before}|{key}")
            found += [f"k-:{theirs}|{fact}" for theirs in known[at - 1] for fact in mine]
        if at < last:
            found.append(f"b+:{key}|{keys[at + 1]}")
            found += [f"k+:{fact}|{theirs}" for fact in mine for theirs in known[at + 1]]
            if at:
                found.append(f"t:{shapes[at - 1]}{shapes[at]}{shapes[at + 1]}")
        if repeated and keys.count(key) > 1:
            found.append("many")
            if key in keys[:at]:
                found.append("again")
        yield found


def category_key(category: str) -> str:
    """Return a category as features name it: its last level, in any case."""
    return category.rpartition(">")[2].strip().casefold()[:60]
