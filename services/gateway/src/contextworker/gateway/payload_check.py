"""Checks a payload against a JSON Schema and says every problem in words a caller can act on."""

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import jsonschema_rs

from contextcore import Violation
from contextworker.gateway.times import parsed

_SHOWN_CHARACTERS = 60
# A problem's whole story takes some 20 µs, during which the gateway serves nobody else: beyond so
# many, the first ones are told in the validator's own words. Only so large payloads have as many.
_MANY_PROBLEMS = 5_000
_TOLD_ROUGHLY = 8  # so that a refusal holds them all
_HINTS = 20
_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


class MaxBytes:
    """The keyword `maxBytes`: how much a text may take as UTF-8."""

    def __init__(self, parent: object, value: int, path: object) -> None:  # noqa: ARG002 - jsonschema_rs's
        self._limit = value

    def validate(self, instance: object) -> None:
        """Raise where a text takes more."""
        if isinstance(instance, str) and len(instance.encode()) > self._limit:
            raise ValueError(f"must take at most {_count(self._limit, 'byte')} as UTF-8")


class IsTime:
    """The keyword `isTime`: that a text is a time."""

    def __init__(self, parent: object, value: object, path: object) -> None:
        pass

    def validate(self, instance: object) -> None:
        """Raise where a text is none."""
        if isinstance(instance, str):
            try:
                parsed(instance)
            except ValueError:
                raise ValueError(
                    "must be a time as ISO 8601 writes it, such as 2026-01-31T08:00:00Z"
                ) from None


KEYWORDS: dict[str, type[Any]] = {"maxBytes": MaxBytes, "isTime": IsTime}
"""What the gateway's own schemas use besides JSON Schema's keywords."""


def check(
    validator: jsonschema_rs.Validator, payload: Mapping[str, Any], *, fields: Iterable[str] = ()
) -> list[Violation]:
    """Return every problem, one violation each; fields are paths such as `payload.items[3].sku`.

    Args:
        validator: A compiled schema.
        payload: The JSON object to check.
        fields: The names the schema knows, for hints at a misspelt one.
    """
    payload = dict(payload)
    if validator.is_valid(payload):
        return []
    if _holds_more_than(_MANY_PROBLEMS, payload):
        rough = validator.evaluate(payload).errors()
        if len(rough) > _MANY_PROBLEMS:
            return _roughly(rough, payload)
    fields = list(fields)
    problems = [
        violation
        for error in validator.iter_errors(payload)
        for violation in _violations(error, fields)
    ]
    return list(dict.fromkeys(problems))


def field_path(location: Iterable[str | int]) -> str:
    """Write where a value is, beginning at the payload."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "payload" + "".join(parts)


def _violations(error: jsonschema_rs.ValidationError, fields: Sequence[str]) -> Iterator[Violation]:
    keyword, details = error.kind.name, error.kind.as_dict()
    where = list(error.instance_path)
    match keyword:
        case "required":
            yield Violation(field_path([*where, details["property"]]), "is required")
        case "additionalProperties" | "unevaluatedProperties":
            for index, name in enumerate(details["unexpected"]):
                hint = _near(name, fields) if not where and index < _HINTS else ""
                yield Violation(field_path([*where, name]), f"is not a field of this route{hint}")
        case "anyOf" | "oneOf" if details.get("context"):
            yield from _alternatives(error, details["context"], fields)
        case _:
            yield Violation(field_path(where), _sentence(error, keyword, details))


def _alternatives(
    error: jsonschema_rs.ValidationError,
    branches: Sequence[Sequence[jsonschema_rs.ValidationError]],
    fields: Sequence[str],
) -> Iterator[Violation]:
    # `X | None` is how an optional field reads: what is wrong is what X finds wrong.
    real = [branch for branch in branches if not _only_null(branch)]
    if len(real) == 1:
        for inner in real[0]:
            yield from _violations(inner, fields)
        return
    where = field_path(error.instance_path)
    reasons = dict.fromkeys(
        violation.description for branch in real for inner in branch
        for violation in _violations(inner, fields)
    )  # fmt: skip
    yield Violation(where, f"fits no allowed form: {'; or '.join(reasons) or error.message}")


def _only_null(branch: Sequence[jsonschema_rs.ValidationError]) -> bool:
    return all(
        inner.kind.name == "type" and inner.kind.as_dict()["types"] == ["null"] for inner in branch
    )


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "type": lambda it: "must be " + " or ".join(_NAMES.get(name, name) for name in it["types"]),
    "minLength": lambda it: f"must have at least {_count(it['limit'], 'character')}",
    "maxLength": lambda it: f"must have at most {_count(it['limit'], 'character')}",
    "minItems": lambda it: f"must have at least {_count(it['limit'], 'item')}",
    "maxItems": lambda it: f"must have at most {_count(it['limit'], 'item')}",
    "minimum": lambda it: f"must be {it['limit']} or more",
    "maximum": lambda it: f"must be {it['limit']} or less",
    "exclusiveMinimum": lambda it: f"must be more than {it['limit']}",
    "exclusiveMaximum": lambda it: f"must be less than {it['limit']}",
    "multipleOf": lambda it: f"must be a multiple of {it['multiple_of']}",
    "enum": lambda it: "must be one of " + ", ".join(map(_shown, it["options"])),
    "const": lambda it: f"must be {_shown(it['expected_value'])}",
    "pattern": lambda it: f"must match the pattern {it['pattern']}",
    "format": lambda it: f"must be a valid {it['format']}",
    "uniqueItems": lambda _: "must not repeat an item",
    **dict.fromkeys(KEYWORDS, lambda it: str(it["message"])),
}


def _sentence(
    error: jsonschema_rs.ValidationError, keyword: str, details: Mapping[str, Any]
) -> str:
    make = _SENTENCES.get(keyword)
    if make is None:
        return f"does not fit the route's schema ({keyword}: {_clipped(error.message)})"
    return f"{make(details)}, not {_shown(error.instance)}"


def _holds_more_than(limit: int, value: object) -> bool:
    seen, todo = 0, [value]
    while todo and seen <= limit:
        match todo.pop():
            case dict() as item:
                seen += len(item)
                todo += islice(item.values(), limit)
            case list() as item:
                seen += len(item)
                todo += islice(item, limit)
    return seen > limit


def _roughly(errors: Sequence[Mapping[str, Any]], payload: Mapping[str, Any]) -> list[Violation]:
    told: dict[str, Violation] = {}
    for error in errors[:_TOLD_ROUGHLY]:
        field = field_path(_steps(payload, error["instanceLocation"]))
        problem = f"does not fit the route's schema: {_clipped(error['error'])}"
        told.setdefault(field, Violation(field, problem))
    more = Violation("payload", f"has {len(errors) - len(told):,} more problems")
    return [*told.values(), more]


def _steps(value: Any, pointer: str) -> Iterator[str | int]:
    for part in pointer.split("/")[1:]:
        step = int(part) if isinstance(value, list) else part.replace("~1", "/").replace("~0", "~")
        value = value[step]
        yield step


def _near(name: str, fields: Sequence[str]) -> str:
    if len(name) > _SHOWN_CHARACTERS:
        return ""
    found = difflib.get_close_matches(name, fields, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _shown(value: object) -> str:
    return _clipped(json.dumps(value, ensure_ascii=False, default=str))


def _clipped(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
