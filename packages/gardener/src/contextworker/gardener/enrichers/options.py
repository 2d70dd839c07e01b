"""An enricher's own options, validated by a model of its own."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.problems import problem
from contextworker.gardener.enrichers.protocol import EnricherContext
from contextworker.gardener.enrichers.results import RESULTS, TRAINED


class Options(BaseModel):
    """Options that a task's table may hold; derive from it and add your own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(default=0.75, ge=0, le=1, description="Confidence to be done.")


Model = TypeVar("Model", bound=Options)


def read_options(context: EnricherContext, model: type[Model]) -> Model:
    """Validate the options that an enricher is made from.

    Raises:
        ConfigurationError: One is unknown or wrong; says which, and what there is.
    """
    try:
        return model.model_validate(dict(context.options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "extra_forbidden":
            of_task = ["enrichers", "examples"] if context.task in TRAINED else ["enrichers"]
            options = ", ".join([*of_task, *sorted(model.model_fields)])
            key = ".".join(map(str, first["loc"]))
            raise ConfigurationError(f"unknown key {key!r}; it has {options}") from None
        raise ConfigurationError(problem(error, model)) from None


def answers(context: EnricherContext, name: str, task: str) -> None:
    """Refuse an enricher for another packaged task than its own; a task of one's own is fine.

    Raises:
        ConfigurationError: Its results would not be that task's.
    """
    if context.task != task and context.task in RESULTS:
        raise ConfigurationError(f"the enricher {name!r} answers {task}, not {context.task}")
