"""Categories of products, learnt from examples."""

from contextworker.gardener.classifier.examples import Example
from contextworker.gardener.classifier.model import Classified, Classifier
from contextworker.gardener.classifier.scores import Scores
from contextworker.gardener.classifier.training import cross_validate, train

__all__ = ["Classified", "Classifier", "Example", "Scores", "cross_validate", "train"]
