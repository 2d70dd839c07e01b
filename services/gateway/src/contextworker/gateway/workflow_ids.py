"""Writes a run's workflow id: from its route's template, or from the unit itself.

Values are percent-encoded, and in every field but a template's last the `-` too. So the text
between two fields cannot be mistaken for part of a value: tenant `a-b` with supplier `c` never
shares an id with tenant `a` and supplier `b-c`.
"""

import json
from collections.abc import Mapping
from string import Formatter
from typing import Any
from urllib.parse import quote

from contextcore import Violation
from contextworker.gateway.errors import BrokenRouteError, InvalidRequestError
from contextworker.gateway.routes import RouteInfo

MAX_CHARACTERS = 1000
"""What Temporal takes."""

_SAFE = "_-.~"


def from_template(route: RouteInfo, template: str, payload: Mapping[str, Any]) -> str:
    """Fill a template with the payload's values, and the schema's defaults where it has none.

    Raises:
        InvalidRequestError: A value is missing or cannot be part of an id, or the id is too long.
        BrokenRouteError: The template cannot be read.
    """
    parts = _parse(route, template)
    last = max((index for index, (_, field) in enumerate(parts) if field is not None), default=-1)
    text, problems = "", []
    for index, (literal, field) in enumerate(parts):
        text += literal
        if field is None:
            continue
        value = payload.get(field, _default(route, field))
        if isinstance(value, bool | int | float | str):
            shown = value if isinstance(value, str) else json.dumps(value)
            text += _escaped(shown, last=index == last)
        else:
            problems.append(
                Violation(
                    f"payload.{field}",
                    "is required: it names the run" if value is None
                    else "must be text or a number: it names the run",
                )
            )  # fmt: skip
    if not problems and len(text) > MAX_CHARACTERS:
        problems = [_too_long(parts, payload)]
    if problems:
        raise InvalidRequestError(problems)
    return text


def from_unit(workflow_type: str, tenant_id: str, unit_id: str) -> str:
    """Name the run that one unit starts."""
    kind = quote(workflow_type, safe=_SAFE)
    return f"{kind}-{_escaped(tenant_id, last=False)}-{unit_id.lower()}"


def _parse(route: RouteInfo, template: str) -> list[tuple[str, str | None]]:
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise _broken(route, template) from error
    if any(field is not None and not field.isidentifier() for _, field, _, _ in parsed):
        raise _broken(route, template)
    return [(literal, field) for literal, field, _, _ in parsed]


def _broken(route: RouteInfo, template: str) -> BrokenRouteError:
    return BrokenRouteError(
        route.workflow_type,
        route.module.deployment,
        f"the workflow id template {template!r}, which is no text with {{field}} names",
    )


def _default(route: RouteInfo, field: str) -> Any:
    return route.fields.get(field, {}).get("default")


def _escaped(value: str, *, last: bool) -> str:
    escaped = quote(value, safe=_SAFE)
    return escaped if last else escaped.replace("-", "%2D")


def _too_long(parts: list[tuple[str, str | None]], payload: Mapping[str, Any]) -> Violation:
    fields = [field for _, field in parts if field is not None]
    longest = max(fields, key=lambda field: len(quote(str(payload.get(field, "")))))
    return Violation(
        f"payload.{longest}",
        f"is too long: the run's id would pass {MAX_CHARACTERS} characters",
    )
