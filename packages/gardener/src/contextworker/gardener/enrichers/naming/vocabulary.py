"""The packaged word lists: colours, sizes, plain words, placeholders."""

import tomllib
from functools import cache, lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from contextworker.gardener.enrichers.text import Phrases, keys


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    words: tuple[str, ...]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    colours: dict[str, tuple[str, ...]]
    sizes: dict[str, tuple[str, ...]]
    plain: _Words
    no_kind: _Words
    no_brand: _Words


class Vocabulary:
    """The word lists, ready to be looked up."""

    def __init__(self, content: _File) -> None:
        self.colours = Phrases(_named(content.colours))
        self.sizes = Phrases(_named(content.sizes))
        self.plain = frozenset(key for word in content.plain.words for key in keys(word))
        self.no_kind = frozenset(key for word in content.no_kind.words for key in keys(word))
        self.no_brand = frozenset(keys(word) for word in content.no_brand.words)

    @lru_cache(maxsize=16_384)  # noqa: B019 -- there is one vocabulary, and it lives as long
    def is_plain(self, text: str) -> bool:
        """Tell whether a text holds nothing but plain words, colours and sizes."""
        return (
            all(key in self.plain for key in keys(text))
            or self.colours.get(text) is not None
            or self.sizes.get(text) is not None
        )


@cache
def vocabulary() -> Vocabulary:
    """Return the packaged vocabulary, read once."""
    path = files("contextworker.gardener") / "data" / "vocabulary.toml"
    return Vocabulary(_File.model_validate(tomllib.loads(path.read_text("utf-8"))))


def _named(names: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(word, name) for name, synonyms in names.items() for word in (name, *synonyms)]
