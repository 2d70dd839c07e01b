"""Words and n-grams of many texts at once, as hashes that need no vocabulary.

Characters are numbers in one array; the hash of a piece of it is the polynomial of its characters,
modulo 2**64, which is the difference of two prefix sums. No loop goes over words.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]

_BASE = 0x9E3779B97F4A7C15
_PAIR = np.uint64(0xD6E8FEB86659FD93)
_MIXER = 0xFF51AFD7ED558CCD
_BREAKS = ",;:|/([{"
_PLANE = 0x10000


@dataclass(frozen=True, slots=True)
class Words:
    """The words of many texts, in their order.

    Attributes:
        hashes: One per word.
        texts: Which text each word is of.
        first: Whether it is its text's first.
        final: Whether it is its text's last.
        closing: Whether a comma, a bracket, a dash or the text's end follows it.
        letters: The characters of all words, a zero between two of them and around all.
        owners: Which text each of the letters is of.
    """

    hashes: Hashes
    texts: Places
    first: Flags
    final: Flags
    closing: Flags
    letters: Hashes
    owners: Places


def read(texts: Sequence[str]) -> Words:
    """Find the words: runs of letters, digits and the marks on them."""
    joined = "\n".join(("", *texts, ""))
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32)
    plane = np.minimum(codes, _PLANE)
    inside = _word_characters()[plane]
    owners = np.repeat(np.arange(len(texts)), np.fromiter(map(len, texts), int, len(texts)) + 1)
    kept = inside.copy()
    kept[1:] |= inside[:-1]
    kept[0] = True
    places = np.flatnonzero(kept)
    letters = (codes * inside)[places].astype(np.uint64)
    owners = np.concatenate((owners[:1], owners))[places]
    filled = letters != 0
    starts = np.flatnonzero(filled[1:] & ~filled[:-1]) + 1
    stops = np.flatnonzero(filled[:-1] & ~filled[1:]) + 1
    of = owners[starts]
    changes = of[1:] != of[:-1]
    edge = np.ones(min(len(of), 1), dtype=np.bool_)
    final = np.concatenate((changes, edge))
    breaks = np.concatenate(([0], np.cumsum(_breaks(codes, plane))))
    until = np.concatenate((places[starts[1:]], np.full(len(edge), len(codes))))
    ups, downs = _powers(len(letters))
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(letters * ups)))
    return Words(
        hashes=(sums[stops] - sums[starts]) * downs[starts],
        texts=of,
        first=np.concatenate((edge, changes)),
        final=final,
        closing=final | (breaks[until] > breaks[places[stops]]),
        letters=letters,
        owners=owners,
    )


def pairs(words: Words) -> tuple[Hashes, Places]:
    """Return hashes of two words in a row, and where the first of them stands."""
    places = np.flatnonzero(words.texts[1:] == words.texts[:-1])
    return words.hashes[places] * _PAIR + words.hashes[places + 1], places


def ngrams(words: Words, most: int) -> Iterator[tuple[Hashes, Places]]:
    """Yield hashes of n-grams inside words, the edges of a word counted, and their texts.

    From three on: two characters say little.
    """
    letters = words.letters + np.uint64(1)
    inner = words.letters != 0
    hashes = letters[:-1] * np.uint64(_BASE) + letters[1:]
    whole = np.ones(len(letters), dtype=np.bool_)
    for size in range(3, most + 1):
        count = len(letters) - size + 1
        if count <= 0:
            return
        hashes = hashes[:count] * np.uint64(_BASE) + letters[size - 1 :]
        # What is between the ends is inside one word.
        whole = whole[:count] & inner[size - 2 : size - 2 + count]
        places = np.flatnonzero(whole)
        yield hashes[places], words.owners[places + 1]


def mixed(hashes: Hashes, tag: int) -> Hashes:
    """Spread hashes over all 64 bits, another way for each tag."""
    spread = hashes + np.uint64(tag * _MIXER % 2**64)
    spread ^= spread >> np.uint64(32)
    spread *= np.uint64(_MIXER)
    spread ^= spread >> np.uint64(29)
    return spread


@cache
def _word_characters() -> Flags:
    """Tell for each character of the first plane whether words have it; all others are taken."""
    kinds = [unicodedata.category(chr(code))[0] in "LNM" for code in range(_PLANE)]
    return np.array([*kinds, True])


@cache
def _break_characters() -> Flags:
    table = np.zeros(_PLANE + 1, dtype=np.bool_)
    table[[ord(char) for char in _BREAKS]] = True
    return table


def _breaks(codes: NDArray[np.uint32], plane: NDArray[np.uint32]) -> Flags:
    breaks = _break_characters()[plane]
    dash, space = codes == ord("-"), codes == ord(" ")
    breaks[1:-1] |= dash[1:-1] & space[:-2] & space[2:]
    return breaks


def _powers(count: int) -> tuple[Hashes, Hashes]:
    """Return so many powers of the base, and their inverses."""
    ups, downs = _power_tables(1 << count.bit_length())
    return ups[:count], downs[:count]


@cache
def _power_tables(size: int) -> tuple[Hashes, Hashes]:
    ups = np.full(size, _BASE, dtype=np.uint64)
    downs = np.full(size, pow(_BASE, -1, 1 << 64), dtype=np.uint64)
    ups[0] = downs[0] = 1
    return np.cumprod(ups), np.cumprod(downs)
