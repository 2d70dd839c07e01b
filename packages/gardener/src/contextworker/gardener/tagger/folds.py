"""Which examples are learnt from, and which are kept apart."""

import random
from collections.abc import Sequence
from typing import Final

from contextworker.gardener.tagger.examples import TaggedExample

_SEED: Final = 7


def folds_of(examples: Sequence[TaggedExample], folds: int) -> list[int]:
    """Return each example's fold, the same every time; a group is never parted.

    An example without a group is one of its own, but names that are the same stay together.
    """
    groups = [example.group or example.text.casefold() for example in examples]
    shuffled = sorted(set(groups))
    random.Random(_SEED).shuffle(shuffled)  # noqa: S311 -- the same every time is the point
    numbers = {group: number % folds for number, group in enumerate(shuffled)}
    return [numbers[group] for group in groups]
