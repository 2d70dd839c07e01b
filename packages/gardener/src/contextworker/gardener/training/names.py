"""Training of task `ner`: the tagger."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.tagger.crossvalidation import scores_of, tagged_unseen
from contextworker.gardener.tagger.examples import Tag, TaggedExample, ner_example, tag_text
from contextworker.gardener.tagger.scoring import is_right
from contextworker.gardener.tagger.tagger import Tagger
from contextworker.gardener.tagger.training import LEAST_EXAMPLES, train
from contextworker.gardener.training.examples import Labelled
from contextworker.gardener.training.learners import FOLDS, Learner, Learnt, Step

_LEAST: Final = LEAST_EXAMPLES * FOLDS // (FOLDS - 1) + FOLDS
"""Of which any fold left out leaves enough."""


class NameLearner(Learner):
    """Learns brand, model and what else labels say, from names."""

    def check(self, examples: Sequence[Labelled]) -> None:
        """Refuse where no attribute has enough values."""
        labels = [example.label for example in examples]
        most = max(sum(bool(label.get(key)) for label in labels) for key in ("brand", "model"))
        if most < _LEAST:
            raise InvalidInputError(
                f"a model of brands and models needs at least {_LEAST} examples that have one; "
                f"there are {most}: accept or correct more products, or give a file of examples"
            )

    def held_out(self, examples: Sequence[Labelled], step: Step) -> list[dict[str, Tag]]:
        """Tag each name by a tagger that has not seen it."""
        return tagged_unseen(_tagged(examples), FOLDS, beat=_beat("cross-validating", step))

    def train(self, examples: Sequence[Labelled], step: Step) -> Learnt:
        """Learn from all names."""
        tagger = train(_tagged(examples), beat=_beat("training", step))
        return Learnt(tagger.dumps(), tagger.version)

    def answers(self, artefact: bytes, examples: Sequence[Labelled]) -> list[dict[str, Tag]]:
        """Tag names by a trained tagger."""
        return list(Tagger.loads(artefact).tag([tag_text(example.text) for example in examples]))

    def right(self, example: Labelled, answer: dict[str, Tag]) -> float:
        """Return the part of the attributes that the label names which is right."""
        values = _one(example).values
        hits = [
            is_right(answer[name].value if name in answer else None, acceptable)
            for name, acceptable in values.items()
        ]
        return sum(hits) / len(hits) if hits else 1.0

    def figures(
        self, examples: Sequence[Labelled], answers: Sequence[dict[str, Tag]]
    ) -> dict[str, Any]:
        """Return precision, recall and F1 of each attribute."""
        scores = scores_of(_tagged(examples), list(answers), FOLDS)
        return {"f1": scores.f1} | {
            name: {"precision": one.precision, "recall": one.recall, "f1": one.f1}
            for name, one in scores.attributes.items()
        }


def _tagged(examples: Sequence[Labelled]) -> list[TaggedExample]:
    return [_one(example) for example in examples]


def _one(example: Labelled) -> TaggedExample:
    return ner_example(example.text, example.label)


def _beat(stage: str, step: Step) -> Callable[[], None]:
    done = count(1)
    return lambda: step(stage, next(done), None)
