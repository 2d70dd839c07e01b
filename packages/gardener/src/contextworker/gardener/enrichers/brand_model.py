"""Task `brand_model` of the batches that go through the object store: brand and model by rules."""

from collections.abc import Sequence

from contextworker.gardener.enrichers.base import ProductText, TaskResult
from contextworker.gardener.enrichers.brands import Brands
from contextworker.gardener.enrichers.ner import THRESHOLD, RulesEnricher
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.enrichers.taxonomy import Taxonomy


class BrandModelEnricher:
    """The rules of task `ner`, as that flow asks them."""

    name = "brand_model"

    def __init__(
        self, brands: Brands, _taxonomy: Taxonomy | None = None, *, threshold: float = THRESHOLD
    ) -> None:
        self._rules = RulesEnricher(brands, threshold=threshold)

    def enrich(self, products: Sequence[ProductText]) -> list[TaskResult]:
        """Return one result per product."""
        return self._rules.enrich([Subject(product) for product in products])
