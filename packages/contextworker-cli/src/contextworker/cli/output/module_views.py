"""Modules with what each workflow type accepts."""

from collections.abc import Iterator
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contextworker.cli.output.spans import span
from contextworker.core.client import ModuleInfo, RouteInfo, VersionInfo


def modules_view(modules: list[ModuleInfo]) -> RenderableType:
    """Return the modules with what each workflow type accepts."""
    return Group(*(_module(module) for module in modules))


def _module(module: ModuleInfo) -> RenderableType:
    workers = "no worker" if module.workers == 0 else f"workers: {module.workers}"
    facts = f" {module.build_id}, queue {module.task_queue}, {workers}{_waiting(module)}"
    head = Text.assemble((module.name, "bold"), facts)
    table = Table(box=None, padding=(0, 2), show_header=False)
    if len(module.versions) > 1:
        table.add_row(
            Text("versions", style="dim"), Text(", ".join(map(_version, module.versions)))
        )
    for route in module.routes:
        table.add_row(Text(route.workflow_type, style="cyan"), Text(route.description))
        for name, field in _fields(route):
            table.add_row(Text(f"  {name}"), Text(field))
    return Group(head, table)


def _waiting(module: ModuleInfo) -> str:
    """Say how many tasks wait for a worker, where any does."""
    if module.backlog is None:
        return ""
    kinds = (module.backlog.workflow, module.backlog.activity)
    count = sum(kind.count for kind in kinds)
    oldest = timedelta(seconds=max(kind.oldest_age_s for kind in kinds))
    return f", waiting: {count:,}, the oldest for {span(oldest)}" if count else ""


def _version(version: VersionInfo) -> str:
    ramp = version.ramp_percentage
    share = "" if ramp is None else f" {ramp:g} %"
    return f"{version.build_id} {version.status}{share}"


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
