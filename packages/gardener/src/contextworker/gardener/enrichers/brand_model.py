"""Task `brand_model`: who made a product, and what they call it."""

from collections.abc import Sequence
from dataclasses import dataclass

from contextworker.gardener.enrichers.base import ProductText, TaskResult
from contextworker.gardener.enrichers.brands import Brands, find_phrase, is_placeholder
from contextworker.gardener.enrichers.models import find_model
from contextworker.gardener.enrichers.taxonomy import Taxonomy
from contextworker.gardener.enrichers.text import Word, words
from contextworker.gardener.enrichers.vocabulary import vocabulary

_STATED_AND_NAMED = 1.0
_STATED = 0.92
_STATED_WORD = 0.4
_STATED_AGAINST_NAME = 0.6
_NAMED_FIRST = 0.95
_NAMED_LATER = 0.87
_MISSPELT = 0.95
_LIKE_ENOUGH = 0.8


@dataclass(frozen=True, slots=True)
class _Brand:
    name: str
    confidence: float
    source: str
    doubt: str
    start: int = 0
    end: int = 0


class BrandModelEnricher:
    """Confirms the brand a supplier states, or finds a known one in the name; then the model.

    A stated brand that also stands in the name is sure. One that is a mere word ("White", "Slim")
    or that contradicts a known brand at the start of the name goes to review. Without a stated
    brand, the tenant's known brands are looked for in the name, misspelt ones at its start.

    The model is what remains of the name, so it never decides the status.
    """

    name = "brand_model"

    def __init__(self, brands: Brands, taxonomy: Taxonomy, *, threshold: float = 0.85) -> None:
        self._brands = brands
        self._taxonomy = taxonomy
        self._threshold = threshold

    def enrich(self, products: Sequence[ProductText]) -> list[TaskResult]:
        """Return one result per product: brand and model, either of them null where unknown."""
        return [self._enrich(product) for product in products]

    def _enrich(self, product: ProductText) -> TaskResult:
        found = words(product.name)
        brand = self._brand(product, found)
        model = find_model(
            product.name, found, brand_span=(brand.start, brand.end), taxonomy=self._taxonomy
        )
        return TaskResult.judged(
            {"brand": brand.name or None, "model": model},
            confidence=brand.confidence,
            threshold=self._threshold,
            source=brand.source,
            doubt=brand.doubt,
        )

    def _brand(self, product: ProductText, found: list[Word]) -> _Brand:
        if not is_placeholder(product.brand_name):
            return self._stated(product, found)
        if hit := self._brands.find(product.name, found):
            confidence = _NAMED_LATER if found and hit.start > found[0].start else _NAMED_FIRST
            doubt = f"{hit.brand!r} stands in the name, but not first"
            return _Brand(hit.brand, confidence, "name", doubt, hit.start, hit.end)
        if hit := self._brands.find_misspelt(found, likeness=_LIKE_ENOUGH):
            written = product.name[hit.start : hit.end]
            doubt = f"{written!r} is like the known brand {hit.brand!r}, but not surely it"
            confidence = _MISSPELT * hit.likeness
            return _Brand(hit.brand, confidence, "name", doubt, hit.start, hit.end)
        return _Brand("", 0, "", "no brand is stated, and no known brand stands in the name")

    def _stated(self, product: ProductText, found: list[Word]) -> _Brand:
        stated = product.brand_name
        is_word = vocabulary().is_plain(stated)
        span = find_phrase(stated, found)
        first = span is not None and span[0] == found[0].start
        if span is not None and (first or not is_word):
            return _Brand(stated, _STATED_AND_NAMED, "brand_name+name", "", *span)
        if is_word:
            doubt = f"the stated brand {stated!r} is a common word"
            return _Brand(stated, _STATED_WORD, "brand_name", doubt)
        other = self._brands.find(product.name, found)
        if other and other.brand.casefold() != stated.casefold() and other.start == found[0].start:
            doubt = f"the stated brand is {stated!r}, but the name begins with {other.brand!r}"
            return _Brand(stated, _STATED_AGAINST_NAME, "brand_name", doubt, other.start, other.end)
        return _Brand(stated, _STATED, "brand_name", f"{stated!r} does not stand in the name")
