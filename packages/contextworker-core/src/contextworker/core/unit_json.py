"""A ContextUnit as canonical protobuf JSON, and back, without protobuf's own JSON code.

`json_format` walks a message field by field in Python, and a unit passes here at every start,
activity and result. What it would write is written directly. What it writes is read directly;
any other spelling of the same JSON (a field's original name, a number in quotes, a time with an
offset) is left to it.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf import json_format
from pydantic_core import from_json, to_json

from contextcore import (
    ContextUnit,
    CotStep,
    Modality,
    SecurityScopes,
    UnitMetrics,
    context_unit_pb2,
)
from contextcore.payload import arrived_payload, check_payload

_MAX_JSON_DEPTH = 200  # above what a unit's own depth limit lets through
_MICROSECONDS_PER_MS = 1000
_UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)
T = TypeVar("T")
_Field = tuple[str, Callable[[object], Any]]
"""The model's name of a field, and what reads its value."""


class _UnusualError(Exception):
    """The JSON is spelt as `json_format` would not spell it."""


def write_unit(unit: ContextUnit) -> bytes:
    """Write a unit as JSON.

    Raises:
        UnitError: The payload holds something that would not come out as it went in.
    """
    check_payload(unit.payload)
    content: dict[str, Any] = {"unitId": unit.unit_id, "traceId": unit.trace_id}
    if unit.parent_unit_id:
        content["parentUnitId"] = unit.parent_unit_id
    if unit.modality:
        content["modality"] = unit.modality.name
    content["payload"] = unit.payload
    if unit.provenance:
        content["provenance"] = unit.provenance
    if unit.chain_of_thought:
        content["chainOfThought"] = [_step(step) for step in unit.chain_of_thought]
    content["metrics"] = _metrics(unit.metrics)
    content["security"] = _scopes(unit.security)
    content["createdAt"] = _time(unit.created_at)
    return to_json(content)


def read_unit(data: bytes) -> ContextUnit:
    """Read a unit from JSON, whoever wrote it; fields of a newer contract are ignored.

    Raises:
        ValueError: It is no JSON of a unit, or the unit is not valid.
    """
    try:
        fields = _read_fields(from_json(data, allow_inf_nan=False), _UNIT)
        if "unit_id" in fields and "trace_id" in fields:  # else the model would make them up
            return ContextUnit(**fields)
    except (_UnusualError, ValueError):  # of the model or the payload, too: said below
        pass
    return _read_any_spelling(data)


def _step(step: CotStep) -> dict[str, str]:
    words = {"agent": step.agent, "action": step.action, "status": step.status}
    return {
        **{name: word for name, word in words.items() if word},
        "timestamp": _time(step.timestamp),
    }


def _metrics(metrics: UnitMetrics) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if metrics.latency_ms:
        content["latencyMs"] = str(metrics.latency_ms)  # as 64-bit integers are in protobuf's JSON
    if _is_set(metrics.cost_usd):
        content["costUsd"] = metrics.cost_usd
    if metrics.tokens_used:
        content["tokensUsed"] = metrics.tokens_used
    if _is_set(metrics.cost_limit_usd):
        content["costLimitUsd"] = metrics.cost_limit_usd
    return content


def _is_set(number: float) -> bool:
    return number != 0 or math.copysign(1, number) < 0  # to protobuf, -0.0 is no default


def _scopes(security: SecurityScopes) -> dict[str, list[str]]:
    lists = {"read": security.read, "write": security.write}
    return {name: scopes for name, scopes in lists.items() if scopes}


def _time(value: datetime) -> str:
    if value.microsecond == 0:
        precision = "seconds"
    elif value.microsecond % _MICROSECONDS_PER_MS == 0:
        precision = "milliseconds"
    else:
        precision = "microseconds"
    return value.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def _read_any_spelling(data: bytes) -> ContextUnit:
    message = context_unit_pb2.ContextUnit()
    try:
        json_format.Parse(
            data, message, ignore_unknown_fields=True, max_recursion_depth=_MAX_JSON_DEPTH
        )
    except json_format.ParseError as error:  # by itself no ValueError nor anything else
        raise ValueError(f"the value is no ContextUnit: {error}") from error
    return ContextUnit.from_protobuf(message)


def _read_text(value: object) -> str:
    return _exactly(str, value)


def _read_texts(value: object) -> list[str]:
    return [_exactly(str, item) for item in _exactly(list, value)]


def _read_number(value: object) -> float:
    return value if type(value) is int else _exactly(float, value)


def _read_integer(value: object) -> int:
    return _exactly(int, value)


def _read_long(value: object) -> int:
    text = _exactly(str, value)
    if not _INTEGER.fullmatch(text):
        raise _UnusualError
    return int(text)


def _read_time(value: object) -> datetime:
    text = _exactly(str, value)
    if not _UTC_TIME.fullmatch(text):
        raise _UnusualError
    return datetime.fromisoformat(text)


def _read_modality(value: object) -> Modality:
    modality = Modality.__members__.get(_exactly(str, value))
    if modality is None:
        raise _UnusualError
    return modality


def _read_payload(value: object) -> dict[str, Any]:
    return arrived_payload(_exactly(dict, value))


def _read_steps(value: object) -> list[CotStep]:
    return [CotStep(**_read_fields(item, _STEP)) for item in _exactly(list, value)]


def _read_metrics(value: object) -> UnitMetrics:
    return UnitMetrics(**_read_fields(value, _METRICS))


def _read_scopes(value: object) -> SecurityScopes:
    return SecurityScopes(**_read_fields(value, _SCOPES))


def _exactly(kind: type[T], value: object) -> T:
    if type(value) is not kind:
        raise _UnusualError
    return value


def _read_fields(content: object, known: Mapping[str, _Field]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in _exactly(dict, content).items():
        field = known.get(key)
        if field is None:
            raise _UnusualError
        name, read = field
        fields[name] = read(value)
    return fields


_METRICS: Mapping[str, _Field] = {
    "latencyMs": ("latency_ms", _read_long),
    "costUsd": ("cost_usd", _read_number),
    "tokensUsed": ("tokens_used", _read_integer),
    "costLimitUsd": ("cost_limit_usd", _read_number),
}
_SCOPES: Mapping[str, _Field] = {"read": ("read", _read_texts), "write": ("write", _read_texts)}
_STEP: Mapping[str, _Field] = {
    "agent": ("agent", _read_text),
    "action": ("action", _read_text),
    "status": ("status", _read_text),
    "timestamp": ("timestamp", _read_time),
}
_UNIT: Mapping[str, _Field] = {
    "unitId": ("unit_id", _read_text),
    "traceId": ("trace_id", _read_text),
    "parentUnitId": ("parent_unit_id", _read_text),
    "modality": ("modality", _read_modality),
    "payload": ("payload", _read_payload),
    "provenance": ("provenance", _read_texts),
    "chainOfThought": ("chain_of_thought", _read_steps),
    "metrics": ("metrics", _read_metrics),
    "security": ("security", _read_scopes),
    "createdAt": ("created_at", _read_time),
}
