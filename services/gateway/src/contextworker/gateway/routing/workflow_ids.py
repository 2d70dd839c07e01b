"""Names a run: by its route's template and the payload, or by the unit itself.

Every id begins with the workflow type and the tenant: two tenants never share one.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from contextcore import Violation
from contextworker.core.errors import ConfigurationError
from contextworker.core.workflow_ids import (
    MAX_CHARACTERS,
    TENANT_FIELD,
    WorkflowIdTemplate,
    escape,
)
from contextworker.gateway.errors import BrokenRouteError, InvalidRequestError
from contextworker.gateway.routing.routes import RouteInfo


def template_of(route: RouteInfo) -> WorkflowIdTemplate | None:
    """Return the template that names a route's runs; None where each unit's id does.

    Raises:
        BrokenRouteError: The module announced one that cannot be used.
    """
    announced = route.announced.workflow_id
    if announced is None:
        return None
    try:
        return _template(announced, route.workflow_type)
    except ConfigurationError as error:
        raise BrokenRouteError(route.workflow_type, route.module.deployment, str(error)) from error


def from_template(
    route: RouteInfo, template: WorkflowIdTemplate, tenant_id: str, payload: Mapping[str, Any]
) -> str:
    """Fill a template with the payload's values, and the schema's defaults where it has none.

    Raises:
        InvalidRequestError: A value is missing or cannot be part of an id, or the id is too long.
    """
    values = {TENANT_FIELD: tenant_id}
    problems: list[Violation] = []
    for field in dict.fromkeys(template.fields):
        if field == TENANT_FIELD:
            continue
        value = payload.get(field, route.fields.get(field, {}).get("default"))
        if isinstance(value, bool | int | float | str):
            values[field] = value if isinstance(value, str) else json.dumps(value)
        else:
            problem = "is required" if value is None else "must be text or a number"
            problems.append(Violation(f"payload.{field}", f"{problem}: it names the run"))
    if problems:
        raise InvalidRequestError(problems)
    workflow_id = template.fill(values)
    if len(workflow_id) > MAX_CHARACTERS:
        raise _too_long(max(values, key=lambda field: len(escape(values[field]))))
    return workflow_id


def from_unit(workflow_type: str, tenant_id: str, unit_id: str) -> str:
    """Name the run that one unit starts.

    Raises:
        InvalidRequestError: The id is too long.
    """
    workflow_id = f"{escape(workflow_type)}-{escape(tenant_id)}-{unit_id.lower()}"
    if len(workflow_id) > MAX_CHARACTERS:
        raise _too_long("workflow_type")
    return workflow_id


@lru_cache(maxsize=1024)  # every start asks for its route's
def _template(announced: str, workflow_type: str) -> WorkflowIdTemplate:
    return WorkflowIdTemplate.parse(announced).of_runs(workflow_type)


def _too_long(field: str) -> InvalidRequestError:
    problem = f"is too long: the run's id would pass {MAX_CHARACTERS} characters"
    return InvalidRequestError([Violation(f"payload.{field}", problem)])
