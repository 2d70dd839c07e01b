"""The model in a name: what is left without brand, type, measures and plain words."""

import re
from collections.abc import Iterable
from typing import Final

from contextworker.gardener.enrichers.naming.vocabulary import vocabulary
from contextworker.gardener.enrichers.text import Word, outside

# Four letters and digits or more, two digits at least: "VC89564" and "E390", not "20D" or "22K".
CODE: Final = re.compile(r"(?=.*[^\W\d_])(?=.*\d.*\d)[\w-]{4,40}")

_DIGIT = re.compile(r"\d")
_LONGEST = 4
_BETWEEN = re.compile(r"[\s\-/.+&'’]{0,3}")


def find_model(
    name: str,
    found: list[Word],
    *,
    brand_end: int,
    taken: Iterable[tuple[int, int]],
    limit: int,
) -> str | None:
    """Return the model as it stands in the name, or None.

    Of the runs of unexplained words before any "for" or comma, the first that follows the brand,
    four words at most; with a code such as "VC89564" anywhere, that run instead.

    Args:
        name: The product's.
        found: Its words.
        brand_end: Where the brand ends in it; 0 where it stands nowhere.
        taken: What is explained: start and end of brand, type, measures, colours, sizes.
        limit: Where the name begins to say what the product is for or comes with.
    """
    runs = _runs(name, _unexplained(found, list(taken), limit))
    with_code = _first_with_code(name, runs) if _DIGIT.search(name) else None
    after_brand = (run for run in runs if run[0].start >= brand_end)
    # Without a brand to stand behind, only a code tells a model from a brand nobody knows.
    chosen = with_code or (next(after_brand, None) if brand_end else None)
    if not chosen:
        return None
    return name[chosen[0].start : chosen[:_LONGEST][-1].end]


def _first_with_code(name: str, runs: list[list[Word]]) -> list[Word] | None:
    return next(
        (run for run in runs if any(CODE.fullmatch(name, w.start, w.end) for w in run)), None
    )


def _unexplained(found: list[Word], taken: list[tuple[int, int]], limit: int) -> list[Word]:
    plain = vocabulary().plain
    return outside([word for word in found if word[2] <= limit and word[0] not in plain], taken)


def _runs(name: str, left: list[Word]) -> list[list[Word]]:
    """Join words that stand beside each other in the name."""
    runs: list[list[Word]] = []
    for word in left:
        if runs and _BETWEEN.fullmatch(name, runs[-1][-1].end, word.start):
            runs[-1].append(word)
        else:
            runs.append([word])
    return runs
