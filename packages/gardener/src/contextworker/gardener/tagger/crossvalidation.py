"""Score a tagger on names it has not seen."""

from collections.abc import Sequence

from contextworker.gardener.tagger.examples import Tag, TaggedExample, TagText
from contextworker.gardener.tagger.folds import folds_of
from contextworker.gardener.tagger.scoring import TagScores, score
from contextworker.gardener.tagger.training import Beat, train


def cross_validate(
    examples: Sequence[TaggedExample], folds: int = 5, *, beat: Beat | None = None
) -> TagScores:
    """Return scores: each name tagged by a tagger that learnt from the other folds.

    Raises:
        InvalidInputError: There are too few examples to learn from.
    """
    return scores_of(examples, tagged_unseen(examples, folds, beat=beat), folds)


def tagged_unseen(
    examples: Sequence[TaggedExample], folds: int = 5, *, beat: Beat | None = None
) -> list[dict[str, Tag]]:
    """Return each example's tags, by a tagger that learnt from the other folds.

    Raises:
        InvalidInputError: There are too few examples to learn from.
    """
    fold = folds_of(examples, folds)
    tagged: list[dict[str, Tag]] = [{} for _ in examples]
    for number in range(folds):
        seen = [example for example, its in zip(examples, fold, strict=True) if its != number]
        unseen = [position for position, its in enumerate(fold) if its == number]
        if not unseen:
            continue
        texts = [TagText(examples[one].text, examples[one].category) for one in unseen]
        for position, tags in zip(unseen, train(seen, beat=beat).tag(texts), strict=True):
            tagged[position] = tags
    return tagged


def scores_of(
    examples: Sequence[TaggedExample], tagged: Sequence[dict[str, Tag]], folds: int
) -> TagScores:
    """Score tags against the examples they are of, attribute by attribute."""
    names = dict.fromkeys(name for example in examples for name in example.values)
    scores = {}
    for name in names:
        pairs = [
            (tags[name].value if name in tags else None, example.values[name])
            for example, tags in zip(examples, tagged, strict=True)
            if name in example.values
        ]
        scores[name] = score(pairs)
    return TagScores(scores, len(examples), folds)
