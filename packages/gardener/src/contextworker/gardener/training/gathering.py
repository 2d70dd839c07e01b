"""Gather the examples of a training: what people decided before what files say."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TextIO, TypeVar

from pydantic import ValidationError

from contextworker.brain.models import Example
from contextworker.brain.protocol import Brain
from contextworker.core.errors import InvalidInputError
from contextworker.gardener.enrichers.base import ProductText
from contextworker.gardener.training.examples import MOST_EXAMPLES, Labelled
from contextworker.gardener.training.labels import UNUSABLE, Labels

_PAGE: Final = 1000

T = TypeVar("T")


@dataclass
class Gathering:
    """The examples of a training, written into a file, each text once: the first label counts."""

    task: str
    labels: Labels
    file: TextIO
    fingerprints: list[str] = field(default_factory=list)
    """Of each line of the file."""
    unusable: int = 0
    first_unusable: str = ""
    cut_off: bool = False
    """There are more than one model is trained on."""

    _texts: set[str] = field(default_factory=set, repr=False)

    async def add_decided(self, brain: Brain, tenant_id: str) -> None:
        """Add what people decided."""
        async for page in _decided(brain, tenant_id, self.task):
            if not await asyncio.to_thread(self._add, page):
                break

    async def add_file(self, examples: Iterator[Labelled]) -> None:
        """Add what a file has, some at a time, so that a cancellation need not wait for it all.

        Raises:
            InvalidInputError: A line is no example.
        """
        while page := await asyncio.to_thread(_some, examples):
            if not await asyncio.to_thread(self._add, page):
                break

    def check(self) -> None:
        """Refuse examples that are none.

        Raises:
            InvalidInputError: There are some, and none can be used; says of the first why.
        """
        if self.unusable and not self.fingerprints:
            raise InvalidInputError(
                f"none of the {self.unusable:,} examples can be used: {self.first_unusable}: "
                f"{UNUSABLE[self.task]}"
            )

    @property
    def notes(self) -> list[str]:
        """What was left out."""
        notes = []
        if self.unusable:
            several = "examples" if self.unusable > 1 else "example"
            notes.append(
                f"{self.unusable:,} {several} could not be used: {self.first_unusable}: "
                f"{UNUSABLE[self.task]}"
            )
        if self.cut_off:
            notes.append(f"of more than {MOST_EXAMPLES:,} examples, the first were used")
        return notes

    def _add(self, found: Iterable[Labelled]) -> bool:
        """Write those that are new, and say whether more may come."""
        for example in found:
            label = self.labels(example.label)
            if label is None:
                self.unusable += 1
                self.first_unusable = self.first_unusable or example.where
                continue
            if (text := example.same_text) in self._texts:
                continue
            if len(self.fingerprints) == MOST_EXAMPLES:
                self.cut_off = True
                return False
            kept = Labelled(example.text, label)
            self._texts.add(text)
            self.fingerprints.append(kept.fingerprint)
            self.file.write(kept.dump())
        return True


async def _decided(brain: Brain, tenant_id: str, task: str) -> AsyncIterator[list[Labelled]]:
    after = None
    while page := await brain.list_examples(tenant_id, task=task, limit=_PAGE, after=after):
        yield list(_labelled(page))
        after = page[-1].example_id


def _labelled(examples: Iterable[Example]) -> Iterator[Labelled]:
    """Return decisions as examples; one of another release's shape is left out."""
    for example in examples:
        try:
            text = ProductText.model_validate(example.text)
        except ValidationError:
            continue
        yield Labelled(text, example.label, f"the decision about product {example.product_id}")


def _some(examples: Iterator[T]) -> list[T]:
    return list(islice(examples, _PAGE))
