"""Reads a request: the unit, and a payload that fits the RPC's schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import jsonschema_rs

from contextcore import ContextUnit, UnitError, context_unit_pb2
from contextworker.core.messages import RoutePayload
from contextworker.core.workflow_ids import MAX_CHARACTERS
from contextworker.gateway.errors import InvalidRequestError, ScopeMissingError
from contextworker.gateway.identity.caller import current_caller
from contextworker.gateway.payload_check import KEYWORDS, check

Wire = context_unit_pb2.ContextUnit
Context = grpc.aio.ServicerContext[Wire, Wire]

TENANT_FIELD: Mapping[str, Any] = RoutePayload.model_json_schema()["properties"]["tenant_id"]
RUN_FIELDS: Mapping[str, Any] = {
    "workflow_id": {"type": "string", "minLength": 1, "maxBytes": MAX_CHARACTERS},
    "run_id": {"type": "string", "format": "uuid"},
    "tenant_id": TENANT_FIELD,
}

TIME_FIELD: Mapping[str, Any] = {"type": "string", "isTime": True}
DEFAULT_PAGE = 50


def page_fields(largest: int) -> dict[str, Any]:
    """Return the fields by which a list is read page by page."""
    return {
        "page_size": {"type": "integer", "minimum": 1, "maximum": largest},
        "page_token": {"type": "string", "maxLength": 10_000},
    }


@dataclass(frozen=True)
class Shape:
    """The payload one RPC takes: JSON Schemas of its fields, of which some are required."""

    fields: Mapping[str, Any]
    validator: jsonschema_rs.Validator

    @classmethod
    def of(cls, fields: Mapping[str, Any], *required: str) -> "Shape":
        """Compile a shape."""
        schema = {
            "properties": dict(fields),
            "required": list(required),
            "additionalProperties": False,
        }
        return cls(fields, _compiled(schema))

    def read(self, request: Wire) -> ContextUnit:
        """Decode a request whose payload must have this shape.

        Raises:
            InvalidRequestError: It is no unit, or its payload is of another shape.
        """
        unit = decoded(request)
        if problems := check(self.validator, unit.payload, fields=self.fields):
            raise InvalidRequestError(problems)
        return unit


def _compiled(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema, validate_formats=True, keywords=KEYWORDS)


def decoded(request: Wire) -> ContextUnit:
    """Decode a request.

    Raises:
        InvalidRequestError: It is no unit.
        ScopeMissingError: The caller does not hold what the unit's security asks of writers.
    """
    try:
        unit = ContextUnit.from_protobuf(request)
    except UnitError as error:
        raise InvalidRequestError(error.violations) from error
    if missing := current_caller().lacks(unit.security.write):
        raise ScopeMissingError(missing)
    return unit
