"""Read what a person says is right as the task's own result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.enrichers.categories.taxonomy import Taxonomy
from contextworker.gardener.enrichers.results import RESULTS, Result
from contextworker.gardener.enrichers.terms.tech_file import TechVocabulary
from contextworker.gardener.review.categories import category_result
from contextworker.gardener.review.shorthand import (
    spelt_out_measures,
    spelt_out_name,
    spelt_out_things,
)

_TAXONOMY: Final = "taxonomy"
# Where Pydantic speaks to programmers.
_WORDS: Final = {
    "extra_forbidden": "there is no such field",
    "missing": "is missing",
    "model_type": "is no object with fields of its own",
    "string_type": "is no text",
    "string_too_short": "is empty; null takes it away",
    "tuple_type": "is no list",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a tenant's corrections may name."""

    taxonomy: Taxonomy
    vocabulary: TechVocabulary


def right_result(
    task: str, correction: Mapping[str, Any], found: Mapping[str, Any], *, terms: Terms
) -> Result:
    """Return the result that a correction makes of what was found.

    A category is replaced; of other tasks, the fields that the correction has are, and those it
    says are null are taken away. What people write in short, such as `2kg`, is spelt out.

    Raises:
        InvalidInputError: It is no result of the task; says what of it.
    """
    if task == _TAXONOMY:
        return category_result(terms.taxonomy, correction)
    kind = RESULTS[task]
    known = {name: value for name, value in found.items() if name in kind.model_fields}
    return _read(task, merged(known, _spelt_out(task, correction, known, terms)))


def found_result(task: str, found: Mapping[str, Any]) -> Result | None:
    """Return what an enricher found as the task's result; None where it is nothing, or none."""
    kind = RESULTS[task]
    known = {name: value for name, value in found.items() if name in kind.model_fields}
    try:
        result = kind.model_validate(known)
    except ValidationError:
        return None
    return result if stored_form(result) else None


def stored_form(result: Result) -> dict[str, Any]:
    """Return a result as it is stored: what is absent or empty is left out."""
    stored: dict[str, Any] = result.model_dump(mode="json", exclude_defaults=True)
    return stored


def merged(found: Mapping[str, Any], correction: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a correction over what was found, objects field by field; null takes a field away."""
    whole = dict(found)
    for name, value in correction.items():
        before = whole.get(name)
        if value is None:
            whole.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(before, Mapping):
            whole[name] = merged(before, value)
        else:
            whole[name] = value
    return whole


def _spelt_out(
    task: str, correction: Mapping[str, Any], found: Mapping[str, Any], terms: Terms
) -> Mapping[str, Any]:
    match task:
        case "ner":
            return spelt_out_name(correction)
        case "params":
            return spelt_out_measures(correction, found)
        case "tech":
            return spelt_out_things(correction, terms.vocabulary)
    return correction


def _read(task: str, result: Mapping[str, Any]) -> Result:
    kind = RESULTS[task]
    try:
        return kind.model_validate(result)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'it'}: {_WORDS.get(item['type'], item['msg'])}"
            for item in error.errors(include_input=False)
        )
        raise InvalidInputError(
            f"that is no result of {task}: {wrong}; its fields are {', '.join(kind.model_fields)}"
        ) from None
