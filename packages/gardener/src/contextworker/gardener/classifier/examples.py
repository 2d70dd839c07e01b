"""What a classifier learns from."""

from collections.abc import Sequence
from dataclasses import dataclass

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.enrichers.base import ProductText

Path = tuple[str, ...]

LEAST_EXAMPLES = 20
MOST_EXAMPLES = 100_000
MOST_LEVELS = 8
MOST_PATHS = 10_000


@dataclass(frozen=True, slots=True)
class Example:
    """A product whose category is known, as the ids from the top level to the leaf."""

    text: ProductText
    path: Path


def check(examples: Sequence[Example]) -> None:
    """Refuse examples from which nothing can be learnt, or more than fit in memory."""
    if len(examples) < LEAST_EXAMPLES:
        raise InvalidInputError(
            f"a classifier needs at least {LEAST_EXAMPLES} examples, and there are "
            f"{len(examples)}: accept or correct more products, or give a file of examples"
        )
    if len(examples) > MOST_EXAMPLES:
        raise InvalidInputError(
            f"a classifier takes at most {MOST_EXAMPLES:,} examples, and there are "
            f"{len(examples):,}: give the newest ones only"
        )
    paths = {example.path for example in examples}
    if any(not 0 < len(path) <= MOST_LEVELS or not all(path) for path in paths):
        wrong = next(p for p in sorted(paths) if not 0 < len(p) <= MOST_LEVELS or not all(p))
        raise InvalidInputError(
            f"the category of an example is {list(wrong)!r}: it must be 1 to {MOST_LEVELS} ids, "
            "from the top level down, none of them empty"
        )
    if len(paths) == 1:
        raise InvalidInputError(
            f"all {len(examples)} examples have the one category {list(*paths)!r}: a classifier "
            "needs at least two to tell apart"
        )
    if len(paths) > MOST_PATHS:
        raise InvalidInputError(
            f"the examples have {len(paths):,} categories, and a classifier tells at most "
            f"{MOST_PATHS:,} apart: label them by a level further up"
        )
