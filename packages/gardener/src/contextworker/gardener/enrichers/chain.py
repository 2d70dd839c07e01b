"""The enrichers of one task, asked in turn."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from contextworker.gardener.enrichers.base import ResultStatus, TaskResult
from contextworker.gardener.enrichers.entries import TEXT_FIELDS, asked
from contextworker.gardener.enrichers.protocol import Enricher, Subject
from contextworker.gardener.enrichers.results import RESULTS

_FIELDS: Final = tuple(TaskResult.model_fields)
_LLM_READS: Final = TEXT_FIELDS - {"url"}


@dataclass(frozen=True, slots=True)
class Link:
    """One enricher, by the name it is configured by."""

    name: str
    enricher: Enricher
    is_ours: bool = True


class Chain:
    """Answers one task: the first enricher that is sure wins; else the surest goes to review."""

    def __init__(self, task: str, links: Sequence[Link], *, llm: str | None = None) -> None:
        """Take the enrichers in their order.

        Args:
            task: The task they answer.
            links: Those that have something to go by; none, and every product is in review.
            llm: The language model that is asked in doubt.
        """
        self.task = task
        self.llm = llm
        self._links = tuple(links)
        self.sources = tuple(link.enricher.source or link.name for link in links)
        reads = frozenset[str]().union(*(link.enricher.reads for link in links))
        self.reads = reads | _LLM_READS if llm is not None else reads

    def answer(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Return one result per product, in their order."""
        best: list[TaskResult | None] = [None] * len(subjects)
        by: list[int] = [0] * len(subjects)
        left = list(range(len(subjects)))
        for number, link in enumerate(self._links):
            results = self._ask(link, [subjects[index] for index in left])
            for index, result in zip(left, results, strict=True):
                before = best[index]
                if before is None or _is_better(result, before):
                    best[index], by[index] = result, number
            left = [index for index in left if not _is_done(best[index])]
            if not left:
                break
        return [self._settled(result, number) for result, number in zip(best, by, strict=True)]

    def _settled(self, result: TaskResult | None, number: int) -> TaskResult:
        if result is None:
            result = TaskResult(
                status=ResultStatus.REVIEW,
                confidence=0,
                reason="there is nothing to go by yet: no model is trained",
            )
        if result.status is ResultStatus.DONE:
            source = result.source or self.sources[number]
            return result if source == result.source else _with(result, source=source)
        if result.status is ResultStatus.ERROR:
            return _with(result, source=self.sources[number])
        status = ResultStatus.REVIEW if self.llm is None else ResultStatus.PENDING
        source = asked(self.sources, number)
        if result.status is status and result.source == source:
            return result
        return _with(result, source=source, status=status)

    def _ask(self, link: Link, subjects: Sequence[Subject]) -> list[TaskResult]:
        try:
            results = list(link.enricher.enrich(subjects))
        except Exception as error:  # noqa: BLE001 -- one odd product must not hold up a catalogue
            if len(subjects) == 1:
                return [TaskResult.failed(_failure(link, error))]
            middle = len(subjects) // 2
            return self._ask(link, subjects[:middle]) + self._ask(link, subjects[middle:])
        if len(results) != len(subjects):
            reason = f"{link.name} gave {len(results)} results for {len(subjects)} products"
            return [TaskResult.failed(reason)] * len(subjects)
        return results if link.is_ours else [self._checked(link, result) for result in results]

    def _checked(self, link: Link, result: object) -> TaskResult:
        """Return what a third party's enricher gave, or an error where nobody could store it."""
        if not isinstance(result, TaskResult):
            return TaskResult.failed(f"{link.name} gave a {type(result).__name__}, no TaskResult")
        model = RESULTS.get(self.task)
        try:
            # `judged` takes its caller's word for the types.
            TaskResult.model_validate({name: getattr(result, name) for name in _FIELDS})
            json.dumps(dict(result.result), allow_nan=False)
            if model is not None and result.result:
                model.model_validate(result.result)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            return TaskResult.failed(f"{link.name} gave a wrong {where}: {first['msg']}")
        except (TypeError, ValueError, RecursionError) as error:
            return TaskResult.failed(f"{link.name} gave a result that is no JSON: {error}")
        return result


def _is_better(result: TaskResult, before: TaskResult) -> bool:
    """Tell whether a later answer takes the place: only a sure one takes that of an error."""
    if _is_done(result):
        return True
    if ResultStatus.ERROR in {result.status, before.status}:
        return before.status is not ResultStatus.ERROR
    return result.confidence > before.confidence


def _is_done(result: TaskResult | None) -> bool:
    return result is not None and result.status is ResultStatus.DONE


def _with(result: TaskResult, **update: object) -> TaskResult:
    return result.model_copy(update=update)


def _failure(link: Link, error: Exception) -> str:
    return f"{link.name} failed: {type(error).__name__}: {error}"
