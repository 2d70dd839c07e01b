"""A trained classifier for a run that is measured: MWPD2020's products, in GPC's categories."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from gardening.taxonomy import LEVELS, read

from contextworker.brain import Brain
from contextworker.brain.models import ModelRecord
from contextworker.core.objects import ObjectStore
from contextworker.gardener.classifier import Example, train

TASK = "taxonomy"
FILE = "gpc.jsonl"


@dataclass(frozen=True)
class Model:
    """A classifier, and the taxonomy it was trained in."""

    artefact: bytes
    version: str
    examples: int
    categories: tuple[tuple[str, ...], ...]
    """`CODE_NAME` of each level."""

    def configure(self, folder: Path) -> Path:
        """Write the taxonomy, and the configuration that names it; returns where that is."""
        rows = [json.dumps(dict(zip(LEVELS, way, strict=True))) for way in self.categories]
        (folder / FILE).write_text("\n".join(rows), encoding="utf-8")
        path = folder / "gardener.toml"
        path.write_text(f'[default.{TASK}]\nfile = "{FILE}"\n', encoding="utf-8")
        return path

    async def use(self, brain: Brain, objects: ObjectStore, tenant_id: str) -> None:
        """Make it a tenant's current model."""
        stored = await objects.put(self.artefact, prefix=f"{tenant_id}/gardener/models/{TASK}")
        await brain.record_model(
            tenant_id,
            ModelRecord(
                task=TASK,
                version=self.version,
                object_key=stored.key,
                size=stored.size,
                examples=self.examples,
                scores={},
                trained_by="benchmark",
                trained_at=datetime.now(UTC),
            ),
        )


def learn(path: Path, most: int | None = None) -> Model:
    """Train on a file of examples, or on the first of them."""
    ways: dict[str, tuple[str, ...]] = {}
    parents: dict[str, str] = {}
    examples = []
    for example in islice(read(path), most):
        codes = tuple(_code(level) for level in example.path)
        above = dict(zip(codes[1:], codes, strict=False))
        # A row or two have a category in two places; a taxonomy has it in one.
        if all(parents.setdefault(code, parent) == parent for code, parent in above.items()):
            ways.setdefault(codes[-1], example.path)
            examples.append(Example(example.text, codes))
    classifier = train(examples)
    return Model(classifier.dumps(), classifier.version, len(examples), tuple(ways.values()))


def _code(level: str) -> str:
    return level.partition("_")[0]
