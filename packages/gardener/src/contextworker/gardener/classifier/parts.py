"""What a classifier is made of."""

from dataclasses import dataclass

from contextworker.gardener.classifier.calibration import Calibration
from contextworker.gardener.classifier.targets import Targets
from contextworker.gardener.classifier.vocabulary import Vocabulary
from contextworker.gardener.classifier.weights import Weights


@dataclass(frozen=True)
class Parts:
    """From features by weights to scores of categories, and by calibration to confidences."""

    vocabulary: Vocabulary
    weights: Weights
    targets: Targets
    calibration: Calibration
