"""A unit's envelope, everything but the payload, between the model and the message.

Every call through a gateway passes here twice: messages are made in one call from plain values,
and times without protobuf's own conversions, which cost as much as the rest.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from contextcore import context_unit_pb2

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from contextcore.unit import ContextUnit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 86_400
_SECOND_NS = 1_000_000_000


def write_envelope(
    unit: ContextUnit, message_class: type[context_unit_pb2.ContextUnit]
) -> context_unit_pb2.ContextUnit:
    """Make the unit's message, with an empty payload."""
    metrics, security = unit.metrics, unit.security
    fields: dict[str, Any] = {
        "unit_id": unit.unit_id,
        "trace_id": unit.trace_id,
        "parent_unit_id": unit.parent_unit_id,
        "modality": int(unit.modality),
        "payload": {},
        "provenance": unit.provenance,
        "chain_of_thought": [
            {
                "agent": step.agent,
                "action": step.action,
                "status": step.status,
                "timestamp": _timestamp(step.timestamp),
            }
            for step in unit.chain_of_thought
        ],
        "metrics": {
            "latency_ms": metrics.latency_ms,
            "cost_usd": metrics.cost_usd,
            "tokens_used": metrics.tokens_used,
            "cost_limit_usd": metrics.cost_limit_usd,
        },
        "security": {"read": security.read, "write": security.write},
        "created_at": _timestamp(unit.created_at),
    }
    return message_class(**fields)


def read_envelope(message: context_unit_pb2.ContextUnit) -> dict[str, Any]:
    """Return what a unit's model takes; without a time where the message has none."""
    metrics, security = message.metrics, message.security
    fields: dict[str, Any] = {
        "unit_id": message.unit_id,
        "trace_id": message.trace_id,
        "parent_unit_id": message.parent_unit_id or None,
        "modality": message.modality,
        "provenance": list(message.provenance),
        "chain_of_thought": [_step(step) for step in message.chain_of_thought],
        "metrics": {
            "latency_ms": metrics.latency_ms,
            "cost_usd": metrics.cost_usd,
            "tokens_used": metrics.tokens_used,
            "cost_limit_usd": metrics.cost_limit_usd,
        },
        "security": {"read": list(security.read), "write": list(security.write)},
    }
    if message.HasField("created_at"):
        fields["created_at"] = _datetime(message.created_at)
    return fields


def _step(step: context_unit_pb2.CotStep) -> dict[str, Any]:
    fields: dict[str, Any] = {"agent": step.agent, "action": step.action, "status": step.status}
    if step.HasField("timestamp"):
        fields["timestamp"] = _datetime(step.timestamp)
    return fields


def _timestamp(value: datetime) -> dict[str, int]:
    since = value - _EPOCH
    return {"seconds": since.days * _DAY_S + since.seconds, "nanos": since.microseconds * 1000}


def _datetime(timestamp: Timestamp) -> datetime | str:
    seconds, nanos = timestamp.seconds, timestamp.nanos
    if 0 <= nanos < _SECOND_NS:
        try:
            return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
        except OverflowError:
            pass
    return "outside the years 1 to 9999"  # no datetime: validation names the field
