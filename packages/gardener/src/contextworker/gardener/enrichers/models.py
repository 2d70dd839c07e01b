"""The model in a name: what is left without brand, type, measures and plain words."""

import re

from contextworker.gardener.enrichers.measures import find_measures
from contextworker.gardener.enrichers.taxonomy import Taxonomy
from contextworker.gardener.enrichers.text import Word, head
from contextworker.gardener.enrichers.vocabulary import vocabulary

# Four letters and digits or more, two digits at least: "VC89564" and "E390", not "20D" or "22K".
_CODE = re.compile(r"(?=.*[^\W\d_])(?=.*\d.*\d)[\w-]{4,40}")
_LONGEST = 4
_BETWEEN = re.compile(r"[\s\-/.+&'’]{0,3}")


def find_model(
    name: str, found: list[Word], *, brand_span: tuple[int, int], taxonomy: Taxonomy
) -> str | None:
    """Return the model as it stands in the name, or None.

    Of the runs of unexplained words before any "for" or comma, the first that follows the brand,
    four words at most; with a code such as "VC89564" anywhere, that run instead.
    """
    runs = _runs(name, _unexplained(name, found, brand_span, taxonomy))
    with_code = [run for run in runs if any(_CODE.fullmatch(name, w.start, w.end) for w in run)]
    after_brand = [run for run in runs if run[0].start >= brand_span[1]]
    # Without a brand to stand behind, only a code tells a model from a brand nobody knows.
    chosen = with_code or (after_brand if brand_span[1] else [])
    if not chosen:
        return None
    run = chosen[0][:_LONGEST]
    text = name[run[0].start : run[-1].end]
    return text if any(char.isalnum() for char in text) else None


def _unexplained(
    name: str, found: list[Word], brand_span: tuple[int, int], taxonomy: Taxonomy
) -> list[Word]:
    limit = len(head(name))
    taken = [(item.start, item.end) for item in find_measures(name)]
    taken.append(brand_span)
    for phrases in (taxonomy.phrases, vocabulary().colours, vocabulary().sizes):
        taken += [(found[hit.first].start, found[hit.after - 1].end) for hit in phrases.find(found)]
    plain = vocabulary().plain
    return [
        word
        for word in found
        if word.end <= limit
        and word.key not in plain
        and not any(start <= word.start < end for start, end in taken)
    ]


def _runs(name: str, left: list[Word]) -> list[list[Word]]:
    """Join words that stand beside each other in the name."""
    runs: list[list[Word]] = []
    for word in left:
        if runs and _BETWEEN.fullmatch(name, runs[-1][-1].end, word.start):
            runs[-1].append(word)
        else:
            runs.append([word])
    return runs
