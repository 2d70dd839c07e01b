"""What a model may choose from: categories near a product, and the tenant's technologies."""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from contextworker.gardener.enrichers.categories.taxonomy import Taxonomy
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.enrichers.results import Known, TaxonomyResult

_WHOLE: Final = 300
"""Categories of a taxonomy that is short enough to be offered as a whole: a few thousand tokens."""
_DESCRIPTION_LIMIT: Final = 200


class Thing(Protocol):
    """A technology or a material of a tenant's vocabulary."""

    @property
    def kind(self) -> str:
        """`technology` or `material`."""

    @property
    def id(self) -> str:
        """As results name it."""

    @property
    def name(self) -> str:
        """As people call it."""


class Offers:
    """Finds what to choose from, and makes results of what was chosen."""

    def __init__(self, taxonomy: Taxonomy, things: Iterable[Thing], *, limit: int) -> None:
        """Index what there is.

        Args:
            taxonomy: The tenant's.
            things: Its vocabulary; those that are the same are offered once.
            limit: Categories that are offered for each product.
        """
        self._taxonomy = taxonomy
        self._limit = limit
        self._categories = {
            category.id: TaxonomyResult(
                id=category.id, name=category.name, path=tuple(taxonomy.path(category))
            )
            for category in taxonomy
        }
        self._things = {thing.id: thing for thing in things}

    @property
    def terms(self) -> str:
        """The vocabulary, a line each."""
        things = sorted(self._things.values(), key=lambda thing: thing.id)
        return "\n".join(f"- `{thing.id}`: {thing.name} ({thing.kind})" for thing in things)

    def category(self, category_id: str) -> TaxonomyResult:
        """Return an offered category as a result.

        Raises:
            KeyError: There is none.
        """
        return self._categories[category_id]

    def thing(self, thing_id: str, text: str) -> tuple[str, Known] | None:
        """Return a thing's kind, and the thing as results have it; None for what is not known."""
        thing = self._things.get(thing_id)
        return (thing.kind, Known(id=thing.id, name=thing.name, text=text)) if thing else None

    def near(self, subjects: Sequence[Subject]) -> dict[str, str]:
        """Return the categories that some products could belong to: id and path, as in the file.

        All of a short taxonomy; of a long one, for each product those that share most words with
        it, and the one that was found locally.
        """
        if len(self._categories) <= _WHOLE:
            ids = set(self._categories)
        else:
            ids = {category_id for subject in subjects for category_id in self._of(subject)}
        return {
            category_id: " > ".join(category.path)
            for category_id, category in self._categories.items()
            if category_id in ids
        }

    def _of(self, subject: Subject) -> set[str]:
        text = subject.text
        words = f"{text.category} {text.name} {text.description[:_DESCRIPTION_LIMIT]}"
        found = [category.id for category in self._taxonomy.find(words, self._limit)]
        local = subject.results.get("taxonomy")
        guess = local.result.get("id") if local is not None else None
        return {*found, *([guess] if guess in self._categories else [])}
