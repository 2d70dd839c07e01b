"""Technologies and materials a tenant knows, read from a TOML file."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.problems import problem
from contextworker.gardener.enrichers.text import Phrases, keys

_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")

Kind = Literal["technology", "material"]
_Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9_.-]+$", max_length=200)
    name: _Phrase
    synonyms: tuple[_Phrase, ...] = ()
    as_written: bool = Field(default=False, description="In other letters it means other things.")
    context: tuple[_Phrase, ...] = Field(
        default=(), description="For words that mean other things, too: one of these stands nearby."
    )


class _Denied(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    before: tuple[_Phrase, ...] = ()
    after: tuple[_Phrase, ...] = ()
    phrases: tuple[_Phrase, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    technology: tuple[_Entry, ...] = ()
    material: tuple[_Entry, ...] = ()
    denied: _Denied | None = None


@dataclass(frozen=True, slots=True)
class KnownThing:
    """A technology or a material."""

    kind: Kind
    id: str
    name: str
    context: frozenset[str]
    """Keys of words of which one must stand in the same text; empty where no doubt is possible."""
    written: frozenset[str] = frozenset()
    """The only ways to write it; empty where any letters will do."""


ONLY_SOUNDS: Final = KnownThing("material", "", "", frozenset())


@dataclass(frozen=True, slots=True)
class TechVocabulary:
    """What is known, and the words beside it that say it is not there."""

    phrases: Phrases[KnownThing]
    """With ONLY_SOUNDS for what only sounds like something known."""
    things: tuple[KnownThing, ...]
    """Each once, in the file's order."""
    before: frozenset[str]
    after: frozenset[str]


@lru_cache(maxsize=32)
def load_tech(path: Path | None = None) -> TechVocabulary:
    """Read a file, once; without a path, the packaged one.

    Raises:
        ConfigurationError: It is missing, is no TOML, or names two things alike; says which.
    """
    packaged = files("contextworker.gardener") / "data" / "tech.toml"
    source = path or packaged
    try:
        content = _File.model_validate(tomllib.loads(source.read_text("utf-8-sig")))
        denied = content.denied
        if denied is None and path:
            denied = _File.model_validate(tomllib.loads(packaged.read_text("utf-8"))).denied
        denied = denied or _Denied()
        phrases = _phrases(content)
        return TechVocabulary(
            Phrases([*phrases, *((phrase, ONLY_SOUNDS) for phrase in denied.phrases)]),
            tuple(dict.fromkeys(thing for _, thing in phrases)),
            frozenset(key for phrase in denied.before for key in keys(phrase)),
            frozenset(key for phrase in denied.after for key in keys(phrase)),
        )
    except ValidationError as error:
        raise ConfigurationError(
            f"the vocabulary {source} cannot be used: {problem(error, _File, _Entry)}"
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"the vocabulary {source} cannot be read: {error.strerror}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"the vocabulary {source} cannot be used: {error}") from None


def _phrases(content: _File) -> list[tuple[str, KnownThing]]:
    if not (content.technology or content.material):
        raise ValueError("it has no [[technology]] and no [[material]]")
    found: dict[tuple[str, ...], tuple[str, KnownThing]] = {}
    ids: set[str] = set()
    kinds: tuple[tuple[Kind, tuple[_Entry, ...]], ...] = (
        ("technology", content.technology),
        ("material", content.material),
    )
    for kind, entries in kinds:
        for entry in entries:
            if entry.id in ids:
                raise ValueError(f"the id {entry.id!r} is there twice")
            ids.add(entry.id)
            context = frozenset(key for phrase in entry.context for key in keys(phrase))
            written = frozenset((entry.name, *entry.synonyms)) if entry.as_written else frozenset()
            thing = KnownThing(kind, entry.id, entry.name, context, written)
            for phrase in (entry.name, *entry.synonyms):
                # "Gore-Tex" and "gore tex" are the same words; "Goretex" is one, "Prima Loft" two.
                for spelling in (phrase, "".join(keys(phrase)), _CAMEL.sub(" ", phrase)):
                    other = found.setdefault(keys(spelling), (spelling, thing))[1]
                    if other is not thing:
                        raise ValueError(f"{phrase!r} names both {other.id!r} and {entry.id!r}")
    return list(found.values())
