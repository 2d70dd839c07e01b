"""Enricher `classifier`: a trained model's answers in the tenant's taxonomy of today."""

from dataclasses import dataclass

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.base import ProductText, ResultStatus
from contextworker.gardener.enrichers.categories.classifier import ClassifierEnricher, classifier
from contextworker.gardener.enrichers.categories.taxonomy import load_taxonomy
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject


@dataclass(frozen=True)
class Says:
    """What a model says of a product."""

    path: tuple[str, ...]
    confidence: float


@dataclass(frozen=True)
class Model:
    """A model that says the same of every product."""

    says: Says
    version: str = "3f2a9c"
    threshold: float = 0.8

    def classify(self, products: list[ProductText]) -> list[Says]:
        """Say it."""
        return [self.says for _ in products]


@pytest.mark.parametrize(
    ("path", "confidence", "threshold", "expected"),
    [
        (("camping", "camping.tents"), 0.8, 0, (ResultStatus.DONE, "Tents", None)),
        (
            ("camping", "camping.tents"),
            0.79,
            0,
            (ResultStatus.REVIEW, "Tents", "the model takes it for 'Tents', but is not sure"),
        ),
        (("camping", "camping.tents"), 0.79, 0.7, (ResultStatus.DONE, "Tents", None)),
        (
            ("camping", "camping.gone"),
            0.99,
            0,
            (
                ResultStatus.REVIEW,
                None,
                "the model says 'camping.gone', which is no category any more: train it again",
            ),
        ),
    ],
    ids=["sure", "unsure", "threshold", "gone"],
)
def test_what_a_model_says_is_read_in_todays_taxonomy(
    path: tuple[str, ...],
    confidence: float,
    threshold: float,
    expected: tuple[ResultStatus, str | None, str | None],
) -> None:
    """Done from its own threshold on, or the tenant's; a category that is gone goes to review."""
    enricher = ClassifierEnricher(
        Model(Says(path, confidence)), load_taxonomy(), threshold=threshold
    )

    (result,) = enricher.enrich([Subject(ProductText(product_id="1", content_hash="h"))])

    assert expected == (result.status, result.result.get("name"), result.reason)
    assert "classifier@3f2a9c" == result.source == enricher.source


def test_without_a_model_it_says_nothing() -> None:
    """The next in turn is asked; wrong options are said all the same."""
    assert classifier(EnricherContext("acme", "taxonomy", {})) is None
    with pytest.raises(ConfigurationError, match="unknown key 'x'"):
        classifier(EnricherContext("acme", "taxonomy", {"x": 1}))


def test_a_broken_model_is_said() -> None:
    """Not passed over: its tenant would get worse answers and never know."""
    with pytest.raises(ConfigurationError, match="its current model cannot be used"):
        classifier(EnricherContext("acme", "taxonomy", {}, model=b"nonsense"))
