"""Where the values of an example stand in its name, and what they are called there."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from contextworker.gardener.tagger.tokens import Tokens, compact

_SHORTEST_CODE: Final = 3
_LONGEST_CODE: Final = 8
_SEEN: Final = 3
_PRECISION: Final = 0.8

Alias = tuple[str, ...]


class Span(NamedTuple):
    """Tokens that are a value, first and after the last; whether signs in them are left out."""

    first: int
    after: int
    compacted: bool = False


def spans_of(tokens: Tokens, values: Iterable[str]) -> list[Span]:
    """Return every place where a value stands, the longest value first.

    A value that stands nowhere as it is may stand there with other signs: `157305B21` as
    `157305-B21`.
    """
    longest_first = sorted(values, key=lambda value: (-len(value), value))
    spans: list[Span] = []
    for value in longest_first:
        spans += places(tokens.keys, Tokens.of(value).keys, spans)
    if not spans:
        for value in longest_first:
            spans += _with_signs(tokens, compact(value).casefold(), spans)
    return spans


def places(keys: Sequence[str], wanted: Alias, taken: Iterable[Span]) -> list[Span]:
    """Return where tokens stand in a row, outside of what is taken."""
    length = len(wanted)
    if not length:
        return []
    return [
        Span(first, first + length)
        for first in range(len(keys) - length + 1)
        if keys[first] == wanted[0]
        and tuple(keys[first : first + length]) == wanted
        and _is_free(taken, first, first + length)
    ]


def _with_signs(tokens: Tokens, code: str, taken: list[Span]) -> list[Span]:
    if len(code) < _SHORTEST_CODE:
        return []
    bare = [compact(key) for key in tokens.keys]
    found: list[Span] = []
    for first, start in enumerate(bare):
        if not start or not code.startswith(start):
            continue
        joined = ""
        for after in range(first + 1, min(first + _LONGEST_CODE, len(bare)) + 1):
            joined += bare[after - 1]
            if joined == code and _is_free([*taken, *found], first, after):
                found.append(Span(first, after, compacted=True))
            if len(joined) >= len(code):
                break
    return found


def _is_free(taken: Iterable[Span], first: int, after: int) -> bool:
    return not any(span.first < after and first < span.after for span in taken)


def find_aliases(rows: Sequence[tuple[Tokens, tuple[str, ...]]]) -> dict[Alias, str]:
    """Return what stands in names for values that do not: `hp` for `Hewlett-Packard`.

    One or two tokens that names with the value share and, but for a few, no others have.

    Args:
        rows: Names, and their acceptable values of one attribute.
    """
    without: defaultdict[str, set[int]] = defaultdict(set)
    having: defaultdict[str, set[int]] = defaultdict(set)
    for number, (tokens, values) in enumerate(rows):
        for value in values:
            having[value].add(number)
        if values and not spans_of(tokens, values):
            for value in values:
                without[value].add(number)
    if not without:
        return {}
    names = _names_by_tokens(tokens for tokens, _ in rows)
    aliases: dict[Alias, str] = {}
    for value in sorted(without, key=lambda value: (-len(without[value]), value)):
        left = without[value]
        while len(left) >= _SEEN and (best := _best(names, left, having[value])):
            if best in aliases:
                break
            aliases[best] = value
            left = left - names[best]
    return aliases


def _names_by_tokens(names: Iterable[Tokens]) -> Mapping[Alias, set[int]]:
    found: defaultdict[Alias, set[int]] = defaultdict(set)
    for number, tokens in enumerate(names):
        keys = tokens.keys
        for first, key in enumerate(keys):
            if not key[0].isalnum():
                continue
            found[key,].add(number)
            if first + 1 < len(keys) and keys[first + 1][0].isalnum():
                found[key, keys[first + 1]].add(number)
    return {alias: rows for alias, rows in found.items() if len(rows) >= _SEEN}


def _best(names: Mapping[Alias, set[int]], left: set[int], having: set[int]) -> Alias | None:
    counts = Counter(
        {
            alias: both
            for alias, rows in names.items()
            if (both := len(rows & left)) >= _SEEN and len(rows & having) >= _PRECISION * len(rows)
        }
    )
    return min(counts, key=lambda alias: (-counts[alias], len(alias), alias), default=None)
