"""The categories products are sorted into, read from a TOML file."""

import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.text import Phrases, keys

_SHOWN = 5


class Category(BaseModel):
    """One category as its file states it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)*$", max_length=200)
    name: str = Field(min_length=1, max_length=200)
    synonyms: tuple[str, ...] = ()

    @property
    def parent_id(self) -> str:
        """The id before the last dot; empty for a department, which has no parent."""
        return self.id.rpartition(".")[0]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    category: list[Category] = Field(min_length=1)


class Taxonomy:
    """Categories by id, and the phrases that name them."""

    def __init__(self, categories: list[Category]) -> None:
        """Index categories.

        Raises:
            ValueError: An id is there twice, a parent is missing, a phrase names two categories.
        """
        self._categories: dict[str, Category] = {}
        for category in categories:
            if category.id in self._categories:
                raise ValueError(f"the id {category.id!r} is there twice")
            self._categories[category.id] = category
        for category in categories:
            if category.parent_id and category.parent_id not in self._categories:
                raise ValueError(f"{category.id!r} has no parent: add {category.parent_id!r}")
        self.phrases = Phrases(self._unambiguous())

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a taxonomy file; without a path, the packaged one.

        Raises:
            ConfigurationError: The file is missing, is no TOML or is no taxonomy.
        """
        source = path or files("contextworker.gardener") / "data" / "taxonomy.toml"
        try:
            return cls(_File.model_validate(tomllib.loads(source.read_text("utf-8"))).category)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
                for problem in error.errors()[:_SHOWN]
            )
            raise ConfigurationError(f"taxonomy {source} cannot be used: {wrong}") from error
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigurationError(f"taxonomy {source} cannot be used: {error}") from error

    def path(self, category: Category) -> list[str]:
        """Return the names from the department down to the category."""
        parts = category.id.split(".")
        return [self._categories[".".join(parts[: n + 1])].name for n in range(len(parts))]

    def __iter__(self) -> Iterator[Category]:
        return iter(self._categories.values())

    def __len__(self) -> int:
        return len(self._categories)

    def _unambiguous(self) -> dict[str, Category]:
        owners: dict[tuple[str, ...], Category] = {}
        for category in self:
            for phrase in (category.name, *category.synonyms):
                owner = owners.setdefault(keys(phrase), category)
                if owner is not category:
                    raise ValueError(f"{phrase!r} names both {owner.id!r} and {category.id!r}")
        return {" ".join(phrase): category for phrase, category in owners.items()}


@lru_cache(maxsize=32)
def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """Return a file's taxonomy, read once; without a path, the packaged one.

    Raises:
        ConfigurationError: As `Taxonomy.load`.
    """
    return Taxonomy.load(path)
