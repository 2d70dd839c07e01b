"""The page of what each workflow type takes: from the JSON Schemas that workers announce."""

from typing import Any

from contextworker.core.registry import Route, WorkerRegistry

_HEAD = """# Workflow types

What `StartWorkflow` takes, besides `workflow_type`, for each type of this repository's modules.
Written from the models by which the gateway checks a payload; `contextworker modules` shows the
same of a running installation, modules of your own included.
"""


def page() -> str:
    """Return the page."""
    parts = [_HEAD]
    for module in WorkerRegistry.discover():
        parts.append(f"## {module.name}\n\nTask queue `{module.queue}`.\n")
        parts.extend(_route(route) for route in module.routes)
    return "\n".join(parts)


def _route(route: Route) -> str:
    template = route.workflow_id or f"{route.workflow_type}-{{tenant_id}}-{{unit_id}}"
    lines = [f"### {route.workflow_type}", "", route.description, "", f"Workflow id `{template}`."]
    if route.payload:
        schema = route.payload.model_json_schema()
        lines += ["", "| field | type | default | meaning |", "|---|---|---|---|"]
        lines += [
            _field(name, field, schema)
            for name, field in schema.get("properties", {}).items()
            if name != "workflow_type"
        ]
    return "\n".join(lines) + "\n"


def _field(name: str, field: dict[str, Any], schema: dict[str, Any]) -> str:
    required = name in schema.get("required", ())
    default = "required" if required else _literal(field.get("default"))
    meaning = str(field.get("description", "")).replace("\n", " ").replace("|", "\\|")
    return f"| `{name}` | {_type(field, schema)} | {default} | {meaning} |"


def _literal(value: object) -> str:
    if value is None or value in ({}, []):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(field: dict[str, Any], schema: dict[str, Any]) -> str:
    if reference := field.get("$ref"):
        return _type(schema["$defs"][reference.rsplit("/", 1)[-1]], schema)
    if choices := field.get("enum"):
        return ", ".join(f"`{choice}`" for choice in choices)
    if options := field.get("anyOf"):
        kinds = [_type(option, schema) for option in options if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    kind = str(field.get("type", "any"))
    if kind == "array":
        return f"list of {_type(field.get('items', {}), schema)}"
    low, high = field.get("minimum"), field.get("maximum")
    return kind if low is None or high is None else f"{kind}, {low} to {high}"
