"""Train a tagger on examples."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.tagger.alignment import Alias, Span, find_aliases, places, spans_of
from contextworker.gardener.tagger.calibration import calibrate, threshold_for
from contextworker.gardener.tagger.crf import BEGIN, INSIDE, OUTSIDE, Numbers, Weights, learn
from contextworker.gardener.tagger.decoding import steps_of
from contextworker.gardener.tagger.examples import NER_ATTRIBUTES, TaggedExample, TagText
from contextworker.gardener.tagger.features import OFFSETS, beyond, category_key, context, seen_from
from contextworker.gardener.tagger.folds import folds_of
from contextworker.gardener.tagger.knowledge import Facts, Knowledge
from contextworker.gardener.tagger.lexicon import Lexicon
from contextworker.gardener.tagger.model import ATTRIBUTES_LIMIT, Attribute, Learnt
from contextworker.gardener.tagger.scoring import is_right
from contextworker.gardener.tagger.tagger import BRAND, Tagger
from contextworker.gardener.tagger.tokens import Tokens

LEAST_EXAMPLES: Final = 20
"""With a value of an attribute, for it to be learnt."""

EXAMPLES_LIMIT: Final = 20_000
"""Examples that are learnt from: of more, the last."""

_DEFAULT_THRESHOLD: Final = 0.85
_APART: Final = 4
_WORTH_CALIBRATING: Final = 100

Beat = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Name:
    """An example, looked at once for all attributes."""

    example: TaggedExample
    tokens: Tokens
    spans: Mapping[str, tuple[Span, ...]]
    roles: Mapping[str, frozenset[str]]


def train(examples: Sequence[TaggedExample], *, beat: Beat | None = None) -> Tagger:
    """Return a tagger that has learnt from examples; the same ones give the same tagger.

    Every attribute is learnt from the names in which somebody looked for it. The confidences of
    what task `ner` asks for are calibrated on a quarter of the names, by a tagger that has not
    seen them.

    Args:
        examples: Names with what is known of them; of too many, the last are taken.
        beat: Called between steps, for a heartbeat.

    Raises:
        InvalidInputError: There are too few to learn any attribute from.
    """
    beat = beat or _no_beat
    names = [_name(example) for example in examples[-EXAMPLES_LIMIT:]]
    attributes = _worth_learning(names)
    outcomes: dict[str, list[tuple[float, bool]]] = {}
    if len(names) >= _WORTH_CALIBRATING:
        fold = folds_of([name.example for name in names], _APART)
        seen = [name for name, number in zip(names, fold, strict=True) if number]
        unseen = [name.example for name, number in zip(names, fold, strict=True) if not number]
        decisive = [attribute for attribute in attributes if attribute in NER_ATTRIBUTES]
        if decisive:
            outcomes = _outcomes(_trained(seen, decisive, {}, beat), unseen)
    return _trained(names, attributes, outcomes, beat)


def _no_beat() -> None:
    pass


def _name(example: TaggedExample) -> _Name:
    tokens = Tokens.of(example.text)
    spans = {name: tuple(spans_of(tokens, values)) for name, values in example.values.items()}
    roles: dict[str, set[str]] = {}
    for attribute, found in spans.items():
        for span in found:
            for key in tokens.keys[span.first : span.after]:
                roles.setdefault(key, set()).add(attribute)
    return _Name(example, tokens, spans, {key: frozenset(names) for key, names in roles.items()})


def _worth_learning(names: Sequence[_Name]) -> list[str]:
    """Return the attributes that enough names have a value of, the most frequent first."""
    counts = Counter(
        attribute for name in names for attribute, values in name.example.values.items() if values
    )
    enough = [attribute for attribute, count in counts.items() if count >= LEAST_EXAMPLES]
    return sorted(enough, key=lambda attribute: (-counts[attribute], attribute))[:ATTRIBUTES_LIMIT]


def _outcomes(
    tagger: Tagger, examples: Sequence[TaggedExample]
) -> dict[str, list[tuple[float, bool]]]:
    """Return, per attribute, how likely values were said to be, and whether they were right."""
    outcomes: dict[str, list[tuple[float, bool]]] = {}
    texts = [TagText(example.text, example.category) for example in examples]
    for example, tags in zip(examples, tagger.tag(texts), strict=True):
        for attribute, tag in tags.items():
            if attribute in example.values:
                right = is_right(tag.value, example.values[attribute])
                outcomes.setdefault(attribute, []).append((tag.confidence, right))
    return outcomes


def _trained(
    names: Sequence[_Name],
    attributes: Sequence[str],
    outcomes: Mapping[str, Sequence[tuple[float, bool]]],
    beat: Beat,
) -> Tagger:
    knowledge = Knowledge.gather((name.tokens.keys, name.roles) for name in names)
    numbers = Numbers()
    shared = [_Shared.of(name, knowledge, numbers) for name in names]
    learnt: list[tuple[Attribute, Weights]] = []
    threshold = _DEFAULT_THRESHOLD
    for attribute in attributes:
        beat()
        calibration = calibrate(outcomes.get(attribute, ()))
        if attribute == BRAND and outcomes.get(BRAND):
            threshold = threshold_for([(calibration.of(p), ok) for p, ok in outcomes[BRAND]])
        found = _attribute(attribute, shared, numbers)
        if found is None:
            continue
        one, weights = found
        curve = {"slope": calibration.slope, "shift": calibration.shift}
        learnt.append((one.model_copy(update=curve), weights))
    if not learnt:
        raise InvalidInputError(
            f"there is too little to learn from: {len(names)} examples, and none of their "
            f"attributes has {LEAST_EXAMPLES} values that stand in the names"
        )
    features = sorted({feature for _, weights in learnt for feature in weights.features})
    rows = {feature: row for row, feature in enumerate(features)}
    table = np.zeros((len(features), 3 * len(learnt)), dtype=np.float32)
    for column, (_, weights) in enumerate(learnt):
        for feature, weight in weights.features.items():
            table[rows[feature], 3 * column : 3 * column + 3] = weight
    model = Learnt(
        examples=len(names),
        threshold=threshold,
        attributes=tuple(attribute for attribute, _ in learnt),
        features=tuple(features),
        names=dict(knowledge.names),
        roles={word: dict(roles) for word, roles in knowledge.roles.items()},
    )
    return Tagger(model, table, steps_of([weights.steps for _, weights in learnt]))


@dataclass(frozen=True, slots=True)
class _Shared:
    """A name with the features that all attributes are learnt from, numbered."""

    name: _Name
    features: list[list[str]]
    facts: list[Facts]

    @classmethod
    def of(cls, name: _Name, knowledge: Knowledge, numbers: Numbers) -> "_Shared":
        tokens = name.tokens
        facts = [knowledge.facts(key, less=name.roles) for key in tokens.keys]
        features = list(context(tokens, facts, category_key(name.example.category)))
        for at in range(len(tokens)):
            for offset in OFFSETS:
                other = at + offset
                if 0 <= other < len(tokens):
                    features[at] += seen_from(offset, tokens.words[other], facts[other].shared)
                else:
                    features[at].append(beyond(offset))
        return cls(name, [numbers.of(found) for found in features], facts)

    def of_attribute(
        self, attribute: str, lexicon: Lexicon, own: frozenset[Alias], numbers: Numbers
    ) -> list[list[str]]:
        """Return all features for one attribute."""
        marks = lexicon.marks(self.name.tokens.keys, less=own)
        roles = [[f for name, f in fact.own if name == attribute] for fact in self.facts]
        features = []
        for at, found in enumerate(self.features):
            added = [f"{attribute}|{mark}" for mark in marks.get(at, ())]
            for offset in OFFSETS:
                other = at + offset
                if 0 <= other < len(roles):
                    prefix = f"{offset}:{attribute}|" if offset else f"{attribute}|"
                    added += [prefix + fact for fact in roles[other]]
            features.append([*found, *numbers.of(added)])
        return features


def _attribute(
    attribute: str, names: Sequence[_Shared], numbers: Numbers
) -> tuple[Attribute, Weights] | None:
    """Learn one attribute; None where none of its values is seen in a name."""
    asked = [one for one in names if attribute in one.name.example.values]
    aliases = find_aliases([(one.name.tokens, one.name.example.values[attribute]) for one in asked])
    spans = [_spans(one.name, attribute, aliases) for one in asked]
    if not any(spans):
        return None
    values = [
        frozenset(one.name.tokens.keys[span.first : span.after] for span in found)
        for one, found in zip(asked, spans, strict=True)
    ]
    counts = Counter(value for own in values for value in own)
    lexicon = Lexicon(counts)
    examples = zip(asked, spans, values, strict=True)
    weights = learn(_sequences(attribute, examples, lexicon, numbers), numbers)
    return (
        Attribute(
            name=attribute,
            values=tuple(sorted(counts.items())),
            aliases=tuple(sorted(aliases.items())),
            compacted=_compacted(asked, attribute),
            slope=1,
            shift=0,
        ),
        weights,
    )


def _spans(name: _Name, attribute: str, aliases: Mapping[Alias, str]) -> list[Span]:
    found = list(name.spans[attribute])
    values = name.example.values[attribute]
    if not found and values:
        for alias, value in aliases.items():
            if value in values:
                found += places(name.tokens.keys, alias, found)
    return found


def _compacted(names: Sequence[_Shared], attribute: str) -> bool:
    """Tell whether values with signs in them are mostly written without in the examples."""
    without = as_is = 0
    for one in names:
        for span in one.name.spans[attribute]:
            text = one.name.tokens.between(span.first, span.after)
            if not text.replace(" ", "").isalnum():
                without, as_is = without + span.compacted, as_is + (not span.compacted)
    return without > as_is


def _sequences(
    attribute: str,
    examples: Iterable[tuple[_Shared, list[Span], frozenset[Alias]]],
    lexicon: Lexicon,
    numbers: Numbers,
) -> Iterator[tuple[list[list[str]], list[int]]]:
    for one, found, own in examples:
        if one.name.example.values[attribute] and not found:
            continue  # it has a value, and we cannot see where: neither a yes nor a no
        labels = [OUTSIDE] * len(one.features)
        for span in found:
            labels[span.first : span.after] = [BEGIN] + [INSIDE] * (span.after - span.first - 1)
        if labels:
            yield one.of_attribute(attribute, lexicon, own, numbers), labels
