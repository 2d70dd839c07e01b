"""What a payload says in a field that names or describes its run."""

import json
from collections.abc import Mapping
from typing import Any

from contextworker.gateway.routing.routes import RouteInfo


def text_of(route: RouteInfo, field: str, payload: Mapping[str, Any]) -> str | None:
    """Return a field's value as text, or its default's; None where it has none, or no plain one."""
    value = payload.get(field)
    if value is None:
        value = route.fields.get(field, {}).get("default")
    if not isinstance(value, bool | int | float | str):
        return None
    return value if isinstance(value, str) else json.dumps(value)
