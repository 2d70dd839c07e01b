"""Task `ner`, enricher `rules`: what a product is and what it is called."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.measuring.measures import find_measures
from contextworker.gardener.enrichers.naming.brands import (
    BrandHit,
    Brands,
    find_phrase,
    is_placeholder,
)
from contextworker.gardener.enrichers.naming.models import find_model
from contextworker.gardener.enrichers.naming.product_types import find_type, known_kinds
from contextworker.gardener.enrichers.naming.variants import find_variant
from contextworker.gardener.enrichers.naming.vocabulary import vocabulary
from contextworker.gardener.enrichers.options import Options, answers, read_options
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject
from contextworker.gardener.enrichers.text import Word, head, outside, words

THRESHOLD: Final = 0.85
TAGGER: Final = "tagger"
"""The other enricher of the task, by its name."""

_STATED_AND_NAMED = 1.0
_STATED = 0.92
_STATED_WORD = 0.4
_STATED_AGAINST_NAME = 0.6
_NAMED_FIRST = 0.95
_NAMED_AFTER_KIND = 0.87
# Of 20,000 products of a shop, first words that are a known brand were it nearly always, and later
# ones about half of the time: "Second Skin", "Peter England".
_NAMED_LATER = 0.5
_MISSPELT = 0.9
_LIKE_ENOUGH = 0.8
_DEGREES: Final = re.compile(r"[+\-\u2212]?\d{1,3}\s?°\s?[CF]?(?!\w)")
"""Of comfort, not of the model."""


class NerOptions(Options):
    """What the table of task `ner` may hold."""

    threshold: float = Field(default=THRESHOLD, ge=0, le=1, description="A brand's, to be done.")


@dataclass(frozen=True, slots=True)
class FoundBrand:
    """A brand, how sure it is and why it may not be; where it stands in the name, if it does."""

    name: str
    confidence: float
    doubt: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """What the rules read of one product."""

    brand: FoundBrand
    result: dict[str, Any]


class RulesEnricher:
    """Confirms the brand a supplier states, or finds a known one in the name; then the rest.

    A stated brand that also stands in the name is sure. One that is a mere word ("White", "Slim")
    or that contradicts a known brand at the start of the name goes to review. Without a stated
    brand, the tenant's known brands are looked for in the name, misspelt ones at its start.

    The model is what remains of the name, so it never decides the status, and neither do product
    type, colour and size.
    """

    source = "rules"
    reads = frozenset({"name", "brand_name", "category", "params", "taxonomy"})

    def __init__(self, brands: Brands, *, threshold: float = THRESHOLD) -> None:
        self._brands = brands
        self._threshold = threshold

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Return one `NerResult` per product."""
        return [self._enrich(subject) for subject in subjects]

    def read(self, subject: Subject) -> Read:
        """Return brand and result of one product, not yet judged."""
        product = subject.text
        name = product.name
        found = words(name)
        brand = self._brand(product, found)
        measured = find_measures(name)
        limit = len(head(name))
        known = vocabulary()
        taken = [(item.start, item.end) for item in measured]
        if "°" in name:
            taken += [match.span() for match in _DEGREES.finditer(name)]
        # An inch or a litre is no size and no colour.
        free = outside(found, taken)
        colours, sizes = known.colours.find(free), known.sizes.find(free)
        taken += [(free[h.first].start, free[h.after - 1].end) for h in (*colours, *sizes)]
        if brand.end:
            taken.append((brand.start, brand.end))
        kind, kinds = find_type(name, found, category=_category(subject), limit=limit, taken=taken)
        taken += kinds
        model = find_model(name, found, brand_end=brand.end, taken=taken, limit=limit)
        variant = find_variant(
            name,
            tuple(dict.fromkeys([hit.value for hit in colours])),
            sizes[0].value if sizes else None,
            product.params,
        ).as_json()
        fields = {
            "product_type": kind,
            "brand": brand.name or None,
            "model": model,
            "variant": variant or None,
        }
        return Read(brand, {key: value for key, value in fields.items() if value is not None})

    def _enrich(self, subject: Subject) -> TaskResult:
        read = self.read(subject)
        return TaskResult.judged(
            read.result,
            confidence=read.brand.confidence,
            threshold=self._threshold,
            source=self.source,
            doubt=read.brand.doubt,
        )

    def _brand(self, product: ProductText, found: list[Word]) -> FoundBrand:
        if not is_placeholder(product.brand_name):
            return self._stated(product, found)
        if hit := self._brands.find(product.name, found):
            doubt = f"{hit.brand!r} stands in the name, but not first"
            return FoundBrand(hit.brand, _by_place(hit, found), doubt, hit.start, hit.end)
        if hit := self._brands.find_misspelt(found, likeness=_LIKE_ENOUGH):
            written = product.name[hit.start : hit.end]
            doubt = f"{written!r} is like the known brand {hit.brand!r}, but not surely it"
            return FoundBrand(hit.brand, _MISSPELT * hit.likeness, doubt, hit.start, hit.end)
        return FoundBrand("", 0, "no brand is stated, and no known brand stands in the name")

    def _stated(self, product: ProductText, found: list[Word]) -> FoundBrand:
        stated = product.brand_name
        is_word = vocabulary().is_plain(stated)
        span = find_phrase(stated, found)
        first = span is not None and span[0] == found[0].start
        if span is not None and (first or not is_word):
            return FoundBrand(stated, _STATED_AND_NAMED, "", *span)
        if is_word:
            return FoundBrand(stated, _STATED_WORD, f"the stated brand {stated!r} is a common word")
        other = self._brands.find(product.name, found)
        if other and other.brand.casefold() != stated.casefold() and other.start == found[0].start:
            doubt = f"the stated brand is {stated!r}, but the name begins with {other.brand!r}"
            return FoundBrand(stated, _STATED_AGAINST_NAME, doubt, other.start, other.end)
        return FoundBrand(stated, _STATED, f"{stated!r} does not stand in the name")


def rules(context: EnricherContext) -> RulesEnricher | None:
    """Make the enricher for a tenant; None after a tagger, which asks the rules itself.

    What they would add is a guess where it is in doubt: a known brand is often only the beginning
    of a longer one.

    Raises:
        ConfigurationError: An option is unknown or wrong, or the task is another.
    """
    answers(context, "rules", "ner")
    options = read_options(context, NerOptions)
    if TAGGER in context.after:
        return None
    return RulesEnricher(Brands(context.brands), threshold=options.threshold)


def _by_place(hit: BrandHit, found: list[Word]) -> float:
    """Return how sure a known brand is by what stands before it: nothing, its kind, or more."""
    before = [word for word in found if word.start < hit.start]
    if not before:
        return _NAMED_FIRST
    known = vocabulary()
    explained = sum(
        named.length for phrases in (known_kinds(), known.colours) for named in phrases.find(before)
    ) + sum(word.key in known.plain for word in before)
    return _NAMED_AFTER_KIND if explained >= len(before) else _NAMED_LATER


def _category(subject: Subject) -> str:
    """Return the category a product was sorted into, else the supplier's own words for it."""
    sorted_into = subject.results.get("taxonomy")
    if sorted_into is not None and sorted_into.status is ResultStatus.DONE:
        path = sorted_into.result.get("path")
        if path:
            return " > ".join(map(str, path))
    return subject.text.category
