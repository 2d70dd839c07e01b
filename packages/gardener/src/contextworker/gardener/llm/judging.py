"""What is made of a model's answer: done, for people to review, or not to be used."""

from typing import Any, Final, TypeVar

from pydantic import BaseModel

from contextworker.gardener.enrichers.base import TaskResult
from contextworker.gardener.enrichers.results import Measure, NerResult, ParamsResult, TechResult
from contextworker.gardener.llm.config import Task
from contextworker.gardener.llm.offers import Offers
from contextworker.gardener.llm.questions import Question, Sheet, stands_in
from contextworker.gardener.llm.shapes import (
    NerAnswer,
    ParamsAnswer,
    TaskAnswer,
    TaxonomyAnswer,
    TechAnswer,
    Unusable,
)

# A model's own word is no measured probability: these two only say which of two things it said.
_SURE: Final = 0.9
_UNSURE: Final = 0.5
_THRESHOLD: Final = 0.75
_Model = TypeVar("_Model", bound=BaseModel)

_LISTS: Final = {"technology": "technologies", "material": "materials"}


class Judge:
    """Makes results of answers.

    An answer is done where the model is sure of it and it agrees with what can be checked: the
    category is one that was offered, brand, model, size and the words of a measure or a technology
    stand in the product's own text. Else people review it.
    """

    def __init__(self, source: str, offers: Offers) -> None:
        self._source = source
        self._offers = offers

    def result(
        self, task: Task, said: TaskAnswer | Unusable | None, question: Question, sheet: Sheet
    ) -> TaskResult | Unusable:
        """Return a task's result, or why the answer is of no use."""
        match said:
            case None:
                return Unusable(f"nothing was said of {task}")
            case Unusable():
                return Unusable(f"{task}: {said.reason}")
            case TaxonomyAnswer():
                return self._category(said, sheet)
            case NerAnswer():
                return self._names(said, question)
            case ParamsAnswer():
                return self._measures(said, question)
            case TechAnswer():
                return self._things(said, question)

    def _category(self, said: TaxonomyAnswer, sheet: Sheet) -> TaskResult | Unusable:
        if said.id is None:
            return self._judged(said, {}, doubt="no category that was offered fits")
        if said.id not in sheet.categories:
            return Unusable(f"taxonomy: {said.id!r} is none of the categories that were offered")
        return self._judged(said, self._offers.category(said.id))

    def _names(self, said: NerAnswer, question: Question) -> TaskResult:
        result = _as(NerResult, said)
        written = question.written
        named = {"brand": said.brand, "model": said.model, "size": said.variant.size}
        missing = [
            f"{what} {words!r} does not stand in the product"
            for what, words in named.items()
            if words is not None and not stands_in(words, written)
        ]
        if result == NerResult():
            missing.append("it finds nothing")
        return self._judged(said, result, doubt="; ".join(missing))

    def _measures(self, said: ParamsAnswer, question: Question) -> TaskResult:
        result = _as(ParamsResult, said)
        written = question.written
        measures: dict[str, Measure | None] = {
            name: getattr(result, name) for name in ParamsResult.model_fields
        }
        missing = [
            f"the words of {name}, {measure.text!r}, do not stand in the product"
            for name, measure in measures.items()
            if measure is not None and not stands_in(measure.text or "?", written)
        ]
        return self._judged(said, result, doubt="; ".join(missing))

    def _things(self, said: TechAnswer, question: Question) -> TaskResult | Unusable:
        written = question.written
        lists: dict[str, list[Any]] = {name: [] for name in _LISTS.values()}
        missing = []
        for term in said.terms:
            known = self._offers.thing(term.id, term.text)
            if known is None:
                return Unusable(f"tech: {term.id!r} is none of the terms")
            kind, thing = known
            lists[_LISTS[kind]].append(thing)
            if not stands_in(term.text, written):
                missing.append(f"{term.text!r} does not stand in the product")
        return self._judged(said, TechResult.model_validate(lists), doubt="; ".join(missing))

    def _judged(
        self, said: TaskAnswer, result: BaseModel | dict[str, Any], *, doubt: str = ""
    ) -> TaskResult:
        if isinstance(result, BaseModel):
            result = result.model_dump(mode="json", exclude_defaults=True)
        sure = said.sure and not doubt
        return TaskResult.judged(
            result,
            confidence=_SURE if sure else _UNSURE,
            threshold=_THRESHOLD,
            source=self._source,
            doubt=doubt or "the model is not sure",
        )


def _as(model: type[_Model], said: BaseModel) -> _Model:
    return model.model_validate(said.model_dump(exclude={"sure"}))
