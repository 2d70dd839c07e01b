"""The shape a language model answers in, and what is saved of an answer that does not have it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
    model_validator,
)

from contextworker.gardener.enrichers.base import NAME_LIMIT, clean
from contextworker.gardener.enrichers.results import Measure, NerResult, ParamsResult, Word
from contextworker.gardener.llm.config import Task

_SURE: Final = Field(description="True only where a careful person would not look again.")
_UNITS: Final = {
    "weight": ("g", "kg"),
    "volume": ("ml", "l"),
    "length": ("mm", "cm", "m"),
    "dimensions": ("cm",),
    "capacity": ("persons",),
    "power": ("W",),
    "pack_count": ("pcs",),
}


@dataclass(frozen=True, slots=True)
class Unusable:
    """What stands in place of an answer that does not have its shape."""

    reason: str


class _Answer(BaseModel):
    # A word too many, such as an explanation, is no reason to pay for another answer.
    model_config = ConfigDict(frozen=True, extra="ignore")


class TaxonomyAnswer(_Answer):
    """The category, by its id."""

    id: Word | None = None
    sure: bool = _SURE


class NerAnswer(NerResult):
    """What the product is and what it is called."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sure: bool = _SURE


class ParamsAnswer(ParamsResult):
    """What is stated in numbers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sure: bool = _SURE

    @model_validator(mode="after")
    def _in_known_units(self) -> "ParamsAnswer":
        for name, units in _UNITS.items():
            measure: Measure | None = getattr(self, name)
            if measure is None:
                continue
            if measure.unit not in units:
                raise ValueError(f"{name} is in {measure.unit!r}, not in {' or '.join(units)}")
            values = measure.value if isinstance(measure.value, tuple) else (measure.value,)
            if not values or not all(0 < value < math.inf for value in values):
                raise ValueError(f"{name} is no number above 0")
        return self


class Term(_Answer):
    """One technology or material, and the words that say so."""

    id: Word
    text: Word


class TechAnswer(_Answer):
    """What it is made with."""

    terms: tuple[Term, ...] = ()
    sure: bool = _SURE


TaskAnswer = TaxonomyAnswer | NerAnswer | ParamsAnswer | TechAnswer

_SHAPES: Final[Mapping[Task, type[BaseModel]]] = {
    "taxonomy": TaxonomyAnswer,
    "ner": NerAnswer,
    "params": ParamsAnswer,
    "tech": TechAnswer,
}


class ProductAnswer(_Answer):
    """What is said of one product."""

    index: int

    def said(self, task: Task) -> TaskAnswer | Unusable | None:
        """Return what is said of a task, or None where nothing is."""
        return cast("TaskAnswer | Unusable | None", getattr(self, task, None))


class AllAnswers(BaseModel):
    """What is said of all products."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    answers: tuple[Any, ...]

    def by_index(self) -> dict[int, ProductAnswer | Unusable]:
        """Return the answers by their products; of a product that is answered twice, neither."""
        found: dict[int, ProductAnswer | Unusable] = {}
        for answer in self.answers:
            if isinstance(answer, ProductAnswer):
                twice = answer.index in found
                found[answer.index] = Unusable("it was answered twice") if twice else answer
        return found


@lru_cache(maxsize=16)
def shape(tasks: tuple[Task, ...]) -> type[AllAnswers]:
    """Return the shape of answers about some tasks.

    Only `answers` has to be there: each answer, and each task's part of it, is taken or left by
    itself, so that one that is wrong costs no other.
    """
    fields: dict[str, Any] = {
        task: (Annotated[_SHAPES[task] | None, WrapValidator(_saved)], None) for task in tasks
    }
    one = create_model("ProductAnswer", __base__=ProductAnswer, **fields)
    each = Annotated[one, WrapValidator(_saved)]
    many = (tuple[each, ...], Field(description="One for each product."))
    return create_model("Answers", __base__=AllAnswers, answers=many)


def _saved(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(_without_blanks(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        what = first["msg"].removeprefix("Value error, ")
        return Unusable(f"{where}: {what}" if where else what)


def _without_blanks(value: Any) -> Any:
    """Clean text as products' is; leave out what models write for "not known"."""
    if isinstance(value, str):
        return clean(value, NAME_LIMIT)
    if isinstance(value, Mapping):
        return {key: _without_blanks(item) for key, item in value.items() if not _is_blank(item)}
    if isinstance(value, Sequence):
        return [_without_blanks(item) for item in value if not _is_blank(item)]
    return value


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
