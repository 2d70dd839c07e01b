"""The tagger: reads brand, model and whatever else it has learnt in names."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from threading import Lock
from typing import Final, Self

import numpy as np

from contextworker.gardener.tagger.artefact import pack, unpack
from contextworker.gardener.tagger.crf import BEGIN
from contextworker.gardener.tagger.decoding import Floats, Found, decode
from contextworker.gardener.tagger.examples import Tag, TagText
from contextworker.gardener.tagger.features import (
    OFFSETS,
    REACH,
    beyond,
    category_key,
    context,
    seen_from,
)
from contextworker.gardener.tagger.knowledge import Facts, Knowledge
from contextworker.gardener.tagger.lexicon import Lexicon
from contextworker.gardener.tagger.model import Attribute, Learnt
from contextworker.gardener.tagger.tokens import Tokens, compact

BRAND: Final = "brand"

# Fields are learnt from many tokens outside of values and few in them, and miss more than they
# make up; a value missed is as bad as one made up.
_EAGER: Final = 0.75
_AT_ONCE: Final = 256
_WORDS_KEPT: Final = 100_000
_BEYOND: Final = 0
_VERSION_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class _Reader:
    """An attribute, ready to be read."""

    attribute: Attribute
    lexicon: Lexicon
    aliases: dict[tuple[str, ...], str]

    @classmethod
    def of(cls, attribute: Attribute) -> "_Reader":
        return cls(attribute, Lexicon(dict(attribute.values)), dict(attribute.aliases))


class Tagger:
    """A trained tagger; made by `train` or `loads`, safe to share between threads."""

    def __init__(self, learnt: Learnt, weights: Floats, steps: Floats) -> None:
        self._learnt = learnt
        self._weights = weights
        self._steps = steps
        self._rows = {feature: row for row, feature in enumerate(learnt.features)}
        self._knowledge = Knowledge(learnt.names, learnt.roles)
        self._readers = [_Reader.of(attribute) for attribute in learnt.attributes]
        self._lock = Lock()
        self._forget()

    @classmethod
    def loads(cls, artefact: bytes) -> Self:
        """Read an artefact.

        Raises:
            PermanentError: The bytes are no artefact of a tagger.
        """
        return cls(*unpack(artefact))

    def dumps(self) -> bytes:
        """Return the artefact: the same tagger gives the same bytes."""
        return pack(self._learnt, self._weights, self._steps)

    @cached_property
    def version(self) -> str:
        """A hash of what it has learnt."""
        return sha256(self.dumps()).hexdigest()[:_VERSION_LENGTH]

    @property
    def threshold(self) -> float:
        """The confidence from which 95 of 100 brands were right on examples kept apart."""
        return self._learnt.threshold

    @property
    def examples(self) -> int:
        """How many it has learnt from."""
        return self._learnt.examples

    @property
    def attributes(self) -> tuple[str, ...]:
        """What it finds."""
        return tuple(attribute.name for attribute in self._learnt.attributes)

    def with_brands(self, brands: Iterable[str]) -> "Tagger":
        """Return one that looks for these brands as well, known from elsewhere."""
        other = Tagger(self._learnt, self._weights, self._steps)
        known = [Tokens.of(brand).keys for brand in brands]
        other._readers = [
            _Reader(reader.attribute, reader.lexicon.with_values(known), reader.aliases)
            if reader.attribute.name == BRAND
            else reader
            for reader in self._readers
        ]
        return other

    def tag(self, texts: Sequence[TagText | str]) -> list[dict[str, Tag]]:
        """Return, per name, attribute -> the value found; what is not found is not there."""
        tagged: list[dict[str, Tag]] = [{} for _ in texts]
        for start in range(0, len(texts), _AT_ONCE):
            given = [
                TagText(text) if isinstance(text, str) else text
                for text in texts[start : start + _AT_ONCE]
            ]
            names = [Tokens.of(text.text) for text in given]
            with self._lock:
                scores = self._score(names, [category_key(text.category) for text in given])
            for found in decode(scores, [len(name) for name in names], self._steps):
                reader = self._readers[found.attribute]
                tag = _tag(reader, names[found.name], found)
                tagged[start + found.name][reader.attribute.name] = tag
        return tagged

    def _forget(self) -> None:
        """Start the table of words anew: its first row is what lies beyond a name's ends."""
        rows = np.zeros((1024, len(OFFSETS), self._weights.shape[1]), dtype=np.float32)
        for column, offset in enumerate(OFFSETS):
            if (row := self._rows.get(beyond(offset))) is not None:
                rows[_BEYOND, column] = self._weights[row]
        self._words: dict[str, int] = {}
        self._facts: list[Facts] = [Facts((), ())]
        self._table = rows

    def _score(self, names: Sequence[Tokens], categories: Sequence[str]) -> Floats:
        """Return the score of every label of every token: of all names in a row."""
        if len(self._words) > _WORDS_KEPT:
            self._forget()
        words: list[int] = [_BEYOND] * REACH
        features, ends = array("i"), array("q")
        places: list[int] = []
        for name, category in zip(names, categories, strict=True):
            numbers = [self._word(word) for word in name.words]
            places.extend(range(len(words), len(words) + len(numbers)))
            words += numbers
            words += [_BEYOND] * REACH
            self._in_context(
                name, [self._facts[number] for number in numbers], category, features, ends
            )
        at = np.array(words, dtype=np.int64)
        here = np.array(places, dtype=np.int64)
        scores = np.zeros((len(places), self._weights.shape[1]), dtype=np.float32)
        for column, offset in enumerate(OFFSETS):
            scores += self._table[at[here + offset], column]
        if features:
            owners = np.repeat(
                np.arange(len(places)), np.diff(np.array([0, *ends])).astype(np.int64)
            )
            order = np.frombuffer(features, dtype=np.int32)
            starts = np.flatnonzero(np.diff(owners, prepend=-1))
            scores[owners[starts]] += np.add.reduceat(self._weights[order], starts, axis=0)
        shaped: Floats = scores.reshape(len(places), len(self._readers), 3)
        shaped[..., BEGIN] += _EAGER
        return shaped

    def _in_context(
        self,
        name: Tokens,
        facts: Sequence[Facts],
        category: str,
        features: "array[int]",
        ends: "array[int]",
    ) -> None:
        rows = self._rows
        marks = [
            (reader.attribute.name, found)
            for reader in self._readers
            if (found := reader.lexicon.marks(name.keys))
        ]
        for token, names in enumerate(context(name, facts, category)):
            features.extend([row for feature in names if (row := rows.get(feature)) is not None])
            for attribute, found in marks:
                for mark in found.get(token, ()):
                    if (row := rows.get(f"{attribute}|{mark}")) is not None:
                        features.append(row)
            ends.append(len(features))

    def _word(self, word: str) -> int:
        """Return a word's row in the table, which it gets when it is first seen."""
        number = self._words.get(word)
        if number is not None:
            return number
        facts = self._knowledge.facts(word.casefold())
        number = len(self._facts)
        if number >= len(self._table):
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])
        known = [*facts.shared, *(f"{attribute}|{fact}" for attribute, fact in facts.own)]
        for column, offset in enumerate(OFFSETS):
            rows = [
                row
                for feature in seen_from(offset, word, known)
                if (row := self._rows.get(feature)) is not None
            ]
            self._table[number, column] = self._weights[rows].sum(axis=0)
        self._facts.append(facts)
        self._words[word] = number
        return number


def _tag(reader: _Reader, name: Tokens, found: Found) -> Tag:
    written = name.between(found.first, found.after)
    alias = reader.aliases.get(name.keys[found.first : found.after])
    value = alias or (compact(written) if reader.attribute.compacted else written)
    # In other company a sum may differ in its last bits: that must not be seen.
    confidence = round(reader.attribute.calibration.of(round(found.probability, 5)), 4)
    return Tag(value, name.starts[found.first], name.ends[found.after - 1], confidence)
