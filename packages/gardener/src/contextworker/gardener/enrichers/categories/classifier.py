"""Enricher `classifier`: the category by the model that the tenant's examples trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field

from contextworker.core.errors import ConfigurationError, PermanentError
from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.categories.taxonomy import Taxonomy, load_taxonomy
from contextworker.gardener.enrichers.options import Options, answers, read_options
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject


class Classified(Protocol):
    """What a model says of a product."""

    @property
    def path(self) -> tuple[str, ...]:
        """Ids from the top level to the category."""

    @property
    def confidence(self) -> float:
        """How likely the whole path is right."""


class Trained(Protocol):
    """A trained model."""

    @property
    def version(self) -> str:
        """Of its content."""

    @property
    def threshold(self) -> float:
        """The confidence from which its training found it right often enough."""

    def classify(self, products: list[ProductText]) -> Sequence[Classified]:
        """Return one per product, in their order."""


class ClassifierOptions(Options):
    """What `classifier` can be told."""

    threshold: float = Field(default=0, ge=0, le=1, description="0: what its training found.")
    file: Path | None = None


class ClassifierEnricher:
    """Adapts a trained classifier to the tenant's taxonomy.

    The taxonomy may have changed since the training: a label that is no category any more goes to
    review, where a person sees what it was.
    """

    reads = frozenset({"name", "category", "brand_name", "description", "params", "url"})

    def __init__(self, classifier: Trained, taxonomy: Taxonomy, *, threshold: float) -> None:
        self._classifier = classifier
        self._taxonomy = taxonomy
        self._threshold = threshold or classifier.threshold
        self.source = f"classifier@{classifier.version}"

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Return one result per product: id, name and path of its category."""
        classified = self._classifier.classify([subject.text for subject in subjects])
        return [self._result(one) for one in classified]

    def _result(self, classified: Classified) -> TaskResult:
        label = classified.path[-1] if classified.path else ""
        category = self._taxonomy.get(label)
        if category is None:
            return TaskResult(
                status=ResultStatus.REVIEW,
                confidence=0,
                source=self.source,
                reason=f"the model says {label!r}, which is no category any more: train it again",
            )
        result: dict[str, Any] = {
            "id": category.id,
            "name": category.name,
            "path": self._taxonomy.path(category),
        }
        return TaskResult.judged(
            result,
            confidence=classified.confidence,
            threshold=self._threshold,
            source=self.source,
            doubt=f"the model takes it for {category.name!r}, but is not sure",
        )


def classifier(context: EnricherContext) -> ClassifierEnricher | None:
    """Make the enricher from the task's current model; None before the first is trained."""
    answers(context, "classifier", "taxonomy")
    options = read_options(context, ClassifierOptions)
    if context.model is None:
        return None
    # Not at the top: a tenant without a model needs none of what models are made of.
    from contextworker.gardener.classifier import Classifier  # noqa: PLC0415

    try:
        model = Classifier.loads(context.model)
    except PermanentError as error:
        raise ConfigurationError(f"its current model cannot be used: {error}") from error
    return ClassifierEnricher(model, load_taxonomy(options.file), threshold=options.threshold)
