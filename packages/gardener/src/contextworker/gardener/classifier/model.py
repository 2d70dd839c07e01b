"""A trained classifier: products in, categories and how sure they are out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from contextworker.gardener.classifier.artefact import pack, unpack, version_of
from contextworker.gardener.classifier.examples import Path
from contextworker.gardener.classifier.parts import Parts
from contextworker.gardener.classifier.targets import Floats, Targets
from contextworker.gardener.classifier.vocabulary import CHUNK
from contextworker.gardener.enrichers.base import ProductText


@dataclass(frozen=True, slots=True)
class Classified:
    """What a classifier says of one product.

    Attributes:
        path: The category, from the top level to the leaf.
        confidences: For each level, how likely the path is right down to there.
        confidence: What is compared with the threshold: that of the top level, or of the first
            level at which the examples differ.
    """

    path: Path
    confidences: tuple[float, ...]
    confidence: float


class Classifier:
    """Tells categories of products by what examples had in common.

    The same product gets the same answer, whatever else is in the batch.

    Attributes:
        version: From a hash of the content.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.version = version_of(parts)

    @classmethod
    def loads(cls, data: bytes) -> "Classifier":
        """Read a classifier.

        Raises:
            PermanentError: The bytes are none, or none that can be used.
        """
        return cls(unpack(data))

    def dumps(self) -> bytes:
        """Return the classifier as arrays and JSON."""
        return pack(self._parts)

    @property
    def threshold(self) -> float:
        """The confidence from which on enough of what was unseen was right."""
        return self._parts.calibration.threshold

    @property
    def paths(self) -> tuple[Path, ...]:
        """What it can answer."""
        return self._parts.targets.paths

    def classify(self, products: Sequence[ProductText]) -> list[Classified]:
        """Return the category of each product, in their order."""
        return [
            one
            for start in range(0, len(products), CHUNK)
            for one in self._classify(products[start : start + CHUNK])
        ]

    def _classify(self, products: Sequence[ProductText]) -> Iterator[Classified]:
        parts = self._parts
        found = parts.vocabulary.find(products)
        scored = scores(parts.weights.outputs(found, len(products)), parts.targets)
        best, sure = parts.calibration.confidences(scored, parts.targets)
        # Of a product of which nothing is known, the most frequent category is a mere guess.
        sure[np.bincount(found.products, minlength=len(products)) == 0] = 0
        level = parts.targets.decisive
        for number, confidences in zip(best.tolist(), sure.tolist(), strict=True):
            path = parts.targets.paths[number]
            yield Classified(path, tuple(confidences[: len(path)]), confidences[level])


def scores(outputs: Floats, targets: Targets) -> Floats:
    """Return the score of each category."""
    if not targets.coded:
        return outputs
    # Always as many rows at once: how numbers are summed depends on the shape.
    found = np.empty((len(outputs), len(targets.paths)), dtype=np.float32)
    block = np.zeros((CHUNK, outputs.shape[1]), dtype=np.float32)
    for start in range(0, len(outputs), CHUNK):
        rows = outputs[start : start + CHUNK]
        block[: len(rows)] = rows
        found[start : start + CHUNK] = (block @ targets.codes.T)[: len(rows)]
    return found
