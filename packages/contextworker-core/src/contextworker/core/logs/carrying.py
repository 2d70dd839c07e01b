"""Hands on to activities what records say of the run they are of: they have no unit, always."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from temporalio import workflow
from temporalio.api.common.v1 import Payload

from contextcore import ContextUnit
from contextworker.core.logs.context import bound_fields
from contextworker.core.tenancy import TENANT_ATTRIBUTE

_HEADER: Final = "contextworker-log"
_CARRIED: Final = ("trace_id", "tenant_id")


def fields_of_run(arguments: Sequence[Any]) -> dict[str, str | None]:
    """Return what records of the workflow in hand say of its unit."""
    unit = arguments[0] if arguments else None
    if not isinstance(unit, ContextUnit):
        unit = None
    tenant_id = workflow.info().typed_search_attributes.get(TENANT_ATTRIBUTE)
    if tenant_id is None and unit is not None and isinstance(unit.payload.get("tenant_id"), str):
        tenant_id = unit.payload["tenant_id"]
    return {"trace_id": str(unit.trace_id) if unit else None, "tenant_id": tenant_id}


def with_fields(headers: Mapping[str, Payload]) -> dict[str, Payload]:
    """Add to an activity's headers what its records are to say of the run."""
    fields = bound_fields()
    carried = {name: fields[name] for name in _CARRIED if name in fields}
    if not carried:
        return dict(headers)
    data = json.dumps(carried).encode()
    return {**headers, _HEADER: Payload(metadata={"encoding": b"json/plain"}, data=data)}


def fields_of_headers(headers: Mapping[str, Payload]) -> dict[str, str]:
    """Return what an activity's headers say; nothing where whoever started it wrote none of it."""
    payload = headers.get(_HEADER)
    if payload is None:
        return {}
    try:
        carried = json.loads(payload.data)
    except ValueError:
        return {}
    found = {name: carried.get(name) for name in _CARRIED} if isinstance(carried, dict) else {}
    return {name: value for name, value in found.items() if isinstance(value, str)}
