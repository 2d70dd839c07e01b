"""Modules with what each workflow type accepts."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contextworker.core.client import ModuleInfo, RouteInfo


def modules_view(modules: list[ModuleInfo]) -> RenderableType:
    """Return the modules with what each workflow type accepts."""
    return Group(*(_module(module) for module in modules))


def _module(module: ModuleInfo) -> RenderableType:
    workers = "no worker" if module.workers == 0 else f"workers: {module.workers}"
    head = Text.assemble(
        (module.name, "bold"), f" {module.build_id}, queue {module.task_queue}, {workers}"
    )
    table = Table(box=None, padding=(0, 2), show_header=False)
    for route in module.routes:
        table.add_row(Text(route.workflow_type, style="cyan"), Text(route.description))
        for name, field in _fields(route):
            table.add_row(Text(f"  {name}"), Text(field))
    return Group(head, table)


def _fields(route: RouteInfo) -> Iterator[tuple[str, str]]:
    """Yield each field of the payload with its type and meaning, required ones first."""
    schema = route.payload_schema or {}
    required = set(schema.get("required", []))
    properties = schema.get("properties", {}).items()
    for name, field in sorted(properties, key=lambda item: item[0] not in required):
        if name == "workflow_type":
            continue
        kinds = [field, *field.get("anyOf", [])]
        kind = " or ".join(str(part["type"]) for part in kinds if "type" in part) or "any"
        need = "required" if name in required else f"default {field.get('default')!r}"
        text = field.get("description", "")
        yield name, f"{kind}, {need}" + (f". {text}" if text else "")
