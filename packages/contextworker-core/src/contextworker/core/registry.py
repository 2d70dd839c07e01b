"""Which modules there are, and which workflow types each one serves."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any, Self

from pydantic import BaseModel

from contextworker.core.attribute_names import ROUTE_ATTRIBUTES
from contextworker.core.errors import ConfigurationError
from contextworker.core.summaries import SummaryTemplate
from contextworker.core.workflow_ids import WorkflowIdTemplate

ENTRY_POINT_GROUP = "contextworker.modules"
_MODULE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")

Activity = Callable[..., Any]
OpenActivities = Callable[[], AbstractAsyncContextManager[Sequence[Activity]]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One workflow type as callers see it.

    `payload` is the model the gateway checks a StartWorkflow payload against. `workflow_id` is a
    template over payload fields, such as `harvest-{tenant_id}-{supplier_code}`: while a run with
    that id is open, a second start joins it. Without one, every unit starts a run of its own.
    `summary`, a template as well, is the line beside each run in Temporal's UI; `description` is
    where there is none. `search_attributes` says which payload fields runs are found by there:
    `{"SupplierCode": "supplier_code"}`. `needs_caller` asks the gateway for the rights of whoever
    starts a run (core.caller).
    """

    workflow: type
    payload: type[BaseModel] | None = None
    workflow_id: str | None = None
    description: str = ""
    summary: str | None = None
    search_attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    needs_caller: bool = False

    @property
    def workflow_type(self) -> str:
        """The workflow's Temporal name."""
        definition = getattr(self.workflow, "__temporal_workflow_definition", None)
        if definition is None or not definition.name:
            raise ConfigurationError(
                f"{self.workflow.__qualname__} is no workflow: "
                'decorate it with @workflow.defn(name="…")'
            )
        return str(definition.name)

    def check(self) -> None:
        """Refuse a route that could not be served.

        Raises:
            ConfigurationError: The class is no workflow, a template names no payload fields, or a
                search attribute is none that routes may fill.
        """
        _ = self.workflow_type  # which says so where the class is no workflow
        if self.workflow_id is not None:
            template = WorkflowIdTemplate.parse(self.workflow_id)
            self._check_fields(template.fields, f"the workflow id template {self.workflow_id!r}")
        if self.summary is not None:
            summary = SummaryTemplate.parse(self.summary)
            self._check_fields(summary.fields, f"the summary {self.summary!r}")
        if unknown := self.search_attributes.keys() - ROUTE_ATTRIBUTES:
            known = ", ".join(sorted(ROUTE_ATTRIBUTES))
            raise ConfigurationError(
                f"route {self.workflow_type!r}: there is no search attribute "
                f"{', '.join(sorted(unknown))} to fill; known: {known}"
            )
        for name, payload_field in self.search_attributes.items():
            self._check_fields([payload_field], f"the search attribute {name!r}")

    def _check_fields(self, fields: Iterable[str], what: str) -> None:
        kind = self.workflow_type
        known = set(self.payload.model_fields) if self.payload else set()
        if unknown := set(fields) - known:
            raise ConfigurationError(
                f"route {kind!r}: {what} names {', '.join(sorted(unknown))}, which the payload "
                "model does not have"
            )


@dataclass(frozen=True)
class ModuleConfig:
    """A module: its workflows, activities and task queue.

    `workflows` holds workflow classes, or Routes where the gateway should know more of them.
    `activities` holds activity callables, or, where activities need clients, a function that opens
    an async context manager yielding them: the worker enters it before it polls and leaves it after
    the last activity ended. `package` is the distribution whose version is the module's.
    """

    name: str
    workflows: Sequence[type | Route]
    activities: Sequence[Activity] | OpenActivities
    task_queue: str | None = None
    package: str | None = None
    max_concurrent_activities: int | None = None
    """In place of the setting's, for a module whose activities mostly wait."""
    spread_activities: bool = False
    """Offer each activity to all workers alike; else the one that has the workflow takes it first,
    which is sooner, and leaves the others idle where a run's activities compute side by side."""

    def __post_init__(self) -> None:
        """Refuse a module that could not run."""
        if not _MODULE_NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"module name {self.name!r}: start with a letter, then lower-case letters, "
                "digits, '-' or '_', 63 characters at most"
            )
        if not self.workflows:
            raise ConfigurationError(f"module {self.name!r} has no workflows")
        for route in self.routes:
            route.check()

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every workflow as a Route."""
        return tuple(
            item if isinstance(item, Route) else Route(workflow=item) for item in self.workflows
        )

    @property
    def queue(self) -> str:
        """The task queue: `<name>-tasks` unless one was given."""
        return self.task_queue or f"{self.name}-tasks"

    @property
    def distribution(self) -> str:
        """The name of the distribution that carries the module."""
        return self.package or f"contextworker-{self.name}"

    @property
    def version(self) -> str:
        """The version of the module's distribution; `dev` where none is installed."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return "dev"


class WorkerRegistry:
    """The modules a process knows; refuses two that would answer for the same thing."""

    def __init__(self, modules: Iterable[ModuleConfig] = ()) -> None:
        self._modules: dict[str, ModuleConfig] = {}
        for module in modules:
            self.register(module)

    @classmethod
    def discover(cls, points: Iterable[EntryPoint] | None = None) -> Self:
        """Register every module announced by an installed distribution.

        Raises:
            ConfigurationError: A module cannot be imported, is no ModuleConfig, has another name
                than its entry point, or clashes.
        """
        found = entry_points(group=ENTRY_POINT_GROUP) if points is None else points
        return cls(_load(point) for point in sorted(found, key=lambda point: point.name))

    def register(self, module: ModuleConfig) -> None:
        """Add a module.

        Raises:
            ConfigurationError: Its name, task queue or a workflow type is taken; names both owners.
        """
        if module.name in self._modules:
            raise ConfigurationError(
                f"two modules are named {module.name!r}: {_origin(self._modules[module.name])} "
                f"and {_origin(module)}"
            )
        for other in self._modules.values():
            if other.queue == module.queue:
                raise ConfigurationError(
                    f"modules {other.name!r} and {module.name!r} both use "
                    f"the task queue {module.queue!r}"
                )
        owners = {route.workflow_type: other.name for other in self for route in other.routes}
        for route in module.routes:
            owner = owners.setdefault(route.workflow_type, module.name)
            if owner != module.name or _count(module, route.workflow_type) > 1:
                raise ConfigurationError(
                    f"modules {owner!r} and {module.name!r} both serve "
                    f"the workflow type {route.workflow_type!r}"
                )
        self._modules[module.name] = module

    def select(self, names: Sequence[str]) -> list[ModuleConfig]:
        """Return the named modules, or all of them where no name is given.

        Raises:
            ConfigurationError: A name is unknown (the known ones are listed), or there are none.
        """
        if unknown := [name for name in names if name not in self._modules]:
            known = ", ".join(sorted(self._modules)) or "none installed"
            raise ConfigurationError(f"unknown module {', '.join(unknown)}; known: {known}")
        if not self._modules:
            raise ConfigurationError("no module is installed, so there is nothing to run")
        return [self._modules[name] for name in dict.fromkeys(names or self._modules)]

    def __iter__(self) -> Iterator[ModuleConfig]:
        return iter(self._modules.values())

    def __len__(self) -> int:
        return len(self._modules)


def _load(point: EntryPoint) -> ModuleConfig:
    owner = point.dist.name if point.dist else "an unknown distribution"
    try:
        module = point.load()
    except Exception as error:
        raise ConfigurationError(
            f"module {point.name!r} of {owner} cannot be imported from {point.value!r}: {error}"
        ) from error
    if not isinstance(module, ModuleConfig):
        raise ConfigurationError(
            f"module {point.name!r} of {owner}: {point.value!r} is a {type(module).__name__}, "
            "not a ModuleConfig"
        )
    if module.name != point.name:
        # Launchers name modules by their entry points, so as not to import them.
        raise ConfigurationError(
            f"{owner} announces the module {module.name!r} as {point.name!r}; give its entry point "
            "the module's name"
        )
    return module


def _origin(module: ModuleConfig) -> str:
    workflow = module.routes[0].workflow
    return f"{workflow.__module__}.{workflow.__qualname__}"


def _count(module: ModuleConfig, workflow_type: str) -> int:
    return sum(route.workflow_type == workflow_type for route in module.routes)
