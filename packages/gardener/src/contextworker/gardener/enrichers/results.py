"""What each task finds out: the shapes of `result`, whoever answered."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contextworker.brain.models import Relation

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]


class Result(BaseModel):
    """A frozen result; unknown fields are refused, absent ones are left out when stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TaxonomyResult(Result):
    """Task `taxonomy`: where a product stands in the tenant's taxonomy."""

    id: Word
    name: Word
    path: tuple[Word, ...] = Field(description="Names from the top level to the category.")


class Variant(Result):
    """Which of several like it."""

    colour: tuple[Word, ...] = ()
    size: Word | None = None


class NerResult(Result):
    """Task `ner`: what a product is and what it is called."""

    product_type: Word | None = None
    brand: Word | None = None
    model: Word | None = None
    variant: Variant = Variant()


class Measure(Result):
    """One measure: a number in one of few units."""

    value: float | tuple[float, ...] = Field(description="Several for dimensions.")
    unit: Word = Field(description="g, kg, ml, l, mm, cm, m, W, persons, pcs.")
    text: str = Field(default="", max_length=400, description="As it stands in the product.")


class ParamsResult(Result):
    """Task `params`: what can be measured."""

    weight: Measure | None = None
    volume: Measure | None = None
    length: Measure | None = None
    dimensions: Measure | None = None
    capacity: Measure | None = None
    power: Measure | None = None
    pack_count: Measure | None = None


class Known(Result):
    """One thing of the vocabulary."""

    id: Word
    name: Word
    text: str = Field(default="", max_length=400, description="As it stands in the product.")


class TechResult(Result):
    """Task `tech`: technologies and materials of the tenant's vocabulary."""

    technologies: tuple[Known, ...] = ()
    materials: tuple[Known, ...] = ()


class Related(Result):
    """One relation of the product."""

    relation: Relation
    target: Word
    name: Word


class KgResult(Result):
    """Task `kg`: the product's relations, which are stored as edges as well."""

    relations: tuple[Related, ...] = ()


RESULTS: Final[dict[str, type[Result]]] = {
    "taxonomy": TaxonomyResult,
    "ner": NerResult,
    "params": ParamsResult,
    "tech": TechResult,
    "kg": KgResult,
}
"""The packaged tasks, in the order they run in."""

TRAINED: Final = ("taxonomy", "ner")
"""Those of them that models are trained for, on examples."""
