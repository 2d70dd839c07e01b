"""How good a classifier is, in numbers that can be compared."""

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from contextworker.gardener.classifier.examples import Path
from contextworker.gardener.classifier.model import Classified
from contextworker.gardener.classifier.targets import decisive_level


class Scores(BaseModel):
    """What a classifier made of products with known categories."""

    model_config = ConfigDict(frozen=True)

    examples: int
    folds: int = Field(description="0 where a set of its own was kept for it.")
    weighted_f1: tuple[float, ...] = Field(description="Per level, 0 to 100.")
    average: float = Field(description="Of the levels.")
    done_share: float = Field(description="Part of the products at or above the threshold.")
    done_right: float = Field(
        description="Part of those that is right at the top level, or the first that differs."
    )
    threshold: float

    def __str__(self) -> str:
        levels = ", ".join(f"{value:.2f}" for value in self.weighted_f1)
        return (
            f"weighted F1 {self.average:.2f} ({levels}) on {self.examples:,} products; "
            f"{self.done_share:.1%} done, {self.done_right:.1%} of them right at the top level"
        )


def score(
    truth: Sequence[Path], found: Sequence[Classified], thresholds: Sequence[float], *, folds: int
) -> Scores:
    """Compare answers with what is right; each has the threshold of the classifier it is from."""
    levels = max(map(len, truth))
    f1 = tuple(
        weighted_f1([path[:level] for path in truth], [one.path[:level] for one in found])
        for level in range(1, levels + 1)
    )
    judged = decisive_level(truth) + 1
    done = [
        one.path[:judged] == path[:judged]
        for path, one, threshold in zip(truth, found, thresholds, strict=True)
        if one.confidence >= threshold
    ]
    return Scores(
        examples=len(truth),
        folds=folds,
        weighted_f1=f1,
        average=sum(f1) / levels,
        done_share=len(done) / len(truth),
        done_right=sum(done) / len(done) if done else 0.0,
        threshold=sorted(thresholds)[len(thresholds) // 2],
    )


def weighted_f1(truth: Sequence[Path], found: Sequence[Path]) -> float:
    """Return the F1 of each class, weighted by how often it is the truth, times 100."""
    true, said = Counter(truth), Counter(found)
    hits = Counter(path for path, its in zip(truth, found, strict=True) if path == its)
    total = sum(2 * hits[path] / (count + said[path]) * count for path, count in true.items())
    return 100 * total / len(truth)
