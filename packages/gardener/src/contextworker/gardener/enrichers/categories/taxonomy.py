"""The categories products are sorted into."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from contextworker.core.errors import ConfigurationError

if TYPE_CHECKING:
    from contextworker.gardener.enrichers.categories.names_index import NamesIndex

MOST_CATEGORIES: Final = 10_000
MOST_LEVELS: Final = 8


@dataclass(frozen=True, slots=True)
class Category:
    """One category as its file states it."""

    id: str
    name: str
    synonyms: tuple[str, ...] = ()
    parent_id: str = ""
    """Empty for a category of the top level, which has no parent."""


class Taxonomy:
    """Categories by id, by path, and by the phrases that name them."""

    def __init__(self, categories: Iterable[Category]) -> None:
        """Index categories.

        Raises:
            ValueError: There is none, or too many; an id or a path is there twice, a parent is
                missing, or a category stands below itself.
        """
        self._categories: dict[str, Category] = {}
        for category in categories:
            if category.id in self._categories:
                raise ValueError(f"the id {category.id!r} is there twice")
            self._categories[category.id] = category
        if not 0 < len(self._categories) <= MOST_CATEGORIES:
            raise ValueError(
                f"it has {len(self._categories):,} categories; 1 to {MOST_CATEGORIES:,} can be used"
            )
        self._chains: dict[str, tuple[Category, ...]] = {}
        for category in self:
            self._chains[category.id] = self._chain(category)
        self._by_path: dict[tuple[str, ...], Category] = {}
        for category in self:
            other = self._by_path.setdefault(_path_key(self.path(category)), category)
            if other is not category:
                raise ValueError(
                    f"{' > '.join(self.path(category))!r} is there twice, as {other.id!r} and as "
                    f"{category.id!r}"
                )

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a taxonomy file; without a path, the packaged one.

        Raises:
            ConfigurationError: The file is missing, or is no taxonomy; says where in it.
        """
        # Not at the top: the reader makes categories.
        from contextworker.gardener.enrichers.categories.taxonomy_files import read_categories  # noqa: PLC0415

        try:
            return cls(read_categories(path))
        except OSError as error:
            raise ConfigurationError(
                f"the taxonomy {path} cannot be read: {error.strerror}"
            ) from None
        except (ValueError, RecursionError) as error:
            where = path or "packaged"
            raise ConfigurationError(f"the taxonomy {where} cannot be used: {error}") from None

    def get(self, category_id: str) -> Category | None:
        """Return a category by its id."""
        return self._categories.get(category_id)

    def by_path(self, names: Sequence[str]) -> Category | None:
        """Return a category by the names from the top level down to it, in any case."""
        return self._by_path.get(_path_key(names))

    def ancestry(self, category: Category) -> tuple[Category, ...]:
        """Return the categories from the top level down to this one."""
        return self._chains[category.id]

    def path(self, category: Category) -> list[str]:
        """Return the names from the top level down to the category."""
        return [one.name for one in self._chains[category.id]]

    def path_ids(self, category: Category) -> list[str]:
        """Return the ids from the top level down to the category."""
        return [one.id for one in self._chains[category.id]]

    @cached_property
    def index(self) -> "NamesIndex":
        """The phrases that name categories, made when first asked for."""
        from contextworker.gardener.enrichers.categories.names_index import NamesIndex  # noqa: PLC0415

        return NamesIndex(self)

    def find(self, text: str, limit: int) -> list[Category]:
        """Return the categories whose paths share most with a text's words, the nearest first."""
        return self.index.nearest(text, limit)

    def __iter__(self) -> Iterator[Category]:
        return iter(self._categories.values())

    def __len__(self) -> int:
        return len(self._categories)

    def _chain(self, category: Category) -> tuple[Category, ...]:
        chain = [category]
        while chain[-1].parent_id:
            known = self._chains.get(chain[-1].parent_id)
            if known is not None:
                chain += reversed(known)
                break
            parent = self._categories.get(chain[-1].parent_id)
            if parent is None:
                raise ValueError(f"{chain[-1].id!r} has no parent: add {chain[-1].parent_id!r}")
            chain.append(parent)
            if len(chain) > MOST_LEVELS:
                break
        if len(chain) > MOST_LEVELS:
            raise ValueError(f"{category.id!r} stands below more than {MOST_LEVELS - 1} others")
        return tuple(reversed(chain))


@lru_cache(maxsize=32)
def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """Return a file's taxonomy, read once; without a path, the packaged one.

    Raises:
        ConfigurationError: As `Taxonomy.load`.
    """
    return Taxonomy.load(path)


def _path_key(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(" ".join(name.casefold().split()) for name in names)
