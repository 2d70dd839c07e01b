"""Names a run: by its route's template and the payload, or by the unit itself."""

import json
from collections.abc import Mapping
from typing import Any

from contextcore import Violation
from contextworker.core.errors import ConfigurationError
from contextworker.core.workflow_ids import MAX_CHARACTERS, WorkflowIdTemplate, escape
from contextworker.gateway.errors import BrokenRouteError, InvalidRequestError
from contextworker.gateway.routing.routes import RouteInfo


def from_template(route: RouteInfo, template: str, payload: Mapping[str, Any]) -> str:
    """Fill a template with the payload's values, and the schema's defaults where it has none.

    Raises:
        InvalidRequestError: A value is missing or cannot be part of an id, or the id is too long.
        BrokenRouteError: The template cannot be read.
    """
    try:
        parsed = WorkflowIdTemplate.parse(template)
    except ConfigurationError as error:
        raise BrokenRouteError(route.workflow_type, route.module.deployment, str(error)) from error
    values: dict[str, str] = {}
    problems: list[Violation] = []
    for field in dict.fromkeys(parsed.fields):
        value = payload.get(field, route.fields.get(field, {}).get("default"))
        if isinstance(value, bool | int | float | str):
            values[field] = value if isinstance(value, str) else json.dumps(value)
        else:
            problem = "is required" if value is None else "must be text or a number"
            problems.append(Violation(f"payload.{field}", f"{problem}: it names the run"))
    if problems:
        raise InvalidRequestError(problems)
    workflow_id = parsed.fill(values)
    if len(workflow_id) > MAX_CHARACTERS:
        longest = max(values, key=lambda field: len(escape(values[field])))
        raise InvalidRequestError(
            [
                Violation(
                    f"payload.{longest}",
                    f"is too long: the run's id would pass {MAX_CHARACTERS} characters",
                )
            ]
        )
    return workflow_id


def from_unit(workflow_type: str, tenant_id: str, unit_id: str) -> str:
    """Name the run that one unit starts."""
    return f"{escape(workflow_type, last=True)}-{escape(tenant_id)}-{unit_id.lower()}"
