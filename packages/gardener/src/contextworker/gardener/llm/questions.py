"""What is asked about products, and how it is written down for a model."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.enrichers.text import keys
from contextworker.gardener.llm.config import LlmConfig, Task
from contextworker.gardener.llm.offers import Offers
from contextworker.gardener.llm.prompts import Prompts
from contextworker.gardener.llm.spending import Used, shares

_DESCRIPTION_LIMIT: Final = 1500
_PARAMS_LIMIT: Final = 40


@dataclass(eq=False)
class Question:
    """One product, what is asked about it, and what came of it so far."""

    subject: Subject
    asked: tuple[Task, ...]
    results: dict[str, TaskResult] = field(default_factory=dict)
    refused: str = ""
    """Why the last answer could not be used."""
    tries: int = 0
    tokens: int = 0
    cost_usd: float = 0.0

    @property
    def open(self) -> tuple[Task, ...]:
        """What has no answer yet."""
        return tuple(task for task in self.asked if task not in self.results)

    @property
    def written(self) -> str:
        """What the model was shown of the product, for finding words of an answer in it."""
        return "\n".join(_texts(_shown(self.subject.text)))

    def local(self, task: str) -> TaskResult | None:
        """Return what the enrichers before found out."""
        return self.subject.results.get(task)

    def leave(self, tasks: Iterable[str], reason: str, *, source: str | None = None) -> None:
        """Leave some tasks to people, with what was known before.

        Args:
            tasks: Which ones.
            reason: Why.
            source: Who was asked last; None: who found what was known.
        """
        for task in tasks:
            before = self.local(task)
            self.results[task] = TaskResult(
                status=ResultStatus.REVIEW,
                result=before.result if before else {},
                confidence=before.confidence if before else 0.0,
                source=source or (before.source if before else ""),
                reason=reason,
            )

    def settled(self) -> dict[str, TaskResult]:
        """Return the results, the costs shared out among those that were asked for."""
        if not self.asked:
            return self.results
        parts = shares(Used(self.tokens, self.cost_usd), len(self.asked))
        paid: dict[str, TaskResult] = {
            task: self.results[task].model_copy(
                update={"tokens": part.tokens, "cost_usd": part.cost_usd}
            )
            for task, part in zip(self.asked, parts, strict=True)
        }
        return {**self.results, **paid}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is sent about some products."""

    questions: tuple[Question, ...]
    tasks: tuple[Task, ...]
    instructions: str
    products: str
    """JSON."""
    categories: frozenset[str]
    """Ids of those that were offered."""

    def charge(self, used: Used) -> None:
        """Share out what a request took among its products."""
        for question, part in zip(self.questions, shares(used, len(self.questions)), strict=True):
            question.tokens += part.tokens
            question.cost_usd += part.cost_usd


class Writer:
    """Writes sheets."""

    def __init__(self, config: LlmConfig, offers: Offers) -> None:
        """Read the prompts.

        Raises:
            ConfigurationError: A prompt cannot be used.
        """
        self._tasks = config.tasks
        self._prompts = Prompts(config.tasks, config.prompts)
        self._offers = offers

    def sheet(self, questions: Sequence[Question]) -> Sheet:
        """Write down some questions."""
        tasks = tuple(
            task for task in self._tasks if any(task in question.open for question in questions)
        )
        asking = [question for question in questions if "taxonomy" in question.open]
        near = self._offers.near([question.subject for question in asking]) if asking else {}
        lines = [f"- `{category_id}`: {path}" for category_id, path in near.items()]
        offered: dict[Task, str] = {"taxonomy": "\n".join(lines), "tech": self._offers.terms}
        products = [self._product(index, question) for index, question in enumerate(questions)]
        return Sheet(
            tuple(questions),
            tasks,
            self._prompts.instructions(tasks, offered),
            # A product's text stays inside its JSON string, whatever quotes and braces it holds.
            json.dumps({"products": products}, ensure_ascii=False, separators=(",", ":")),
            frozenset(near),
        )

    def _product(self, index: int, question: Question) -> dict[str, Any]:
        product: dict[str, Any] = {"index": index, "asked": list(question.open)}
        if question.refused:
            product["refused"] = question.refused
        local = question.local("taxonomy") if "taxonomy" in question.open else None
        if local is not None and "id" in local.result:
            product["local_answer"] = local.result["id"]
        return product | {"product": _shown(question.subject.text)}


def stands_in(words: str, written: str) -> bool:
    """Tell whether words stand in a text, one after the other, whatever their case and hyphens."""
    sought, there = keys(words), keys(written)
    if not sought:
        return " ".join(words.split()).casefold() in " ".join(written.split()).casefold()
    return any(
        there[start : start + len(sought)] == sought
        for start in range(len(there) - len(sought) + 1)
    )


def _shown(text: ProductText) -> dict[str, Any]:
    fields = {
        "name": text.name,
        "category": text.category,
        "brand": text.brand_name,
        "description": text.description[:_DESCRIPTION_LIMIT],
        "url": text.url,
        "params": dict(list(text.params.items())[:_PARAMS_LIMIT]),
    }
    return {key: value for key, value in fields.items() if value}


def _texts(shown: Mapping[str, Any]) -> list[str]:
    params: Mapping[str, str] = shown.get("params", {})
    return [
        *(value for key, value in shown.items() if key != "params"),
        *(f"{key} {value}" for key, value in params.items()),
    ]
