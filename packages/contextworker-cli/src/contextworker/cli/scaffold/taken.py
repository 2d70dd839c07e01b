"""Names that something has already: a second one would answer for the first one's work."""

from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from packaging.utils import canonicalize_name

from contextworker.cli.errors import ScaffoldError
from contextworker.cli.scaffold.names import ModuleName
from contextworker.cli.scaffold.workspace import Workspace
from contextworker.core.errors import ConfigurationError
from contextworker.core.registry import ENTRY_POINT_GROUP, ModuleConfig, WorkerRegistry


def refuse_taken(name: ModuleName, *, workspace: Workspace | None) -> None:
    """Refuse a name that a member, a package or an installed module has.

    Args:
        name: The new module's.
        workspace: Where it becomes a member; None for a package of its own.

    Raises:
        ScaffoldError: It is taken; says by whom.
    """
    for owner in _owners(name, workspace):
        raise ScaffoldError(f"The name {name.dashed!r} is taken: {owner}. Choose another.")


def _owners(name: ModuleName, workspace: Workspace | None) -> Iterator[str]:
    points = list(entry_points(group=ENTRY_POINT_GROUP))
    for point in points:
        if canonicalize_name(point.name) == name.dashed:
            yield f"{_distribution(point)} announces a module {point.name!r}"
    if workspace is not None:
        for distribution, folder in workspace.members():
            if canonicalize_name(distribution) == f"contextworker-{name.dashed}":
                yield f"it is the member {folder.relative_to(workspace.root)}"
    imported = f"contextworker.{name.package}" if workspace else name.package
    if find_spec(imported) is not None:
        yield f"there is a Python package {imported} already"
    for point in points:
        yield from _claims(name, point)


def _claims(name: ModuleName, point: EntryPoint) -> Iterator[str]:
    loaded: list[ModuleConfig] = []
    with suppress(ConfigurationError):  # a module that cannot be loaded claims nothing
        loaded = list(WorkerRegistry.discover([point]))
    for module in loaded:
        if module.queue == f"{name.package}-tasks":
            yield f"the module {module.name!r} polls the task queue {module.queue!r}"
        for route in module.routes:
            if route.workflow_type == name.package:
                yield f"the module {module.name!r} serves the workflow type {name.package!r}"


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an installed package"
