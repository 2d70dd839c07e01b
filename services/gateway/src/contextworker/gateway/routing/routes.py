"""Which workflow type goes to which module's task queue."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema_rs

from contextworker.core.announcement import AnnouncedRoute, Announcement
from contextworker.gateway.errors import BrokenRouteError, RouteConflictError


@dataclass(frozen=True)
class AnnouncedModule:
    """A module as its workers announce it: the deployment, its current build, its routes."""

    deployment: str
    build_id: str
    announcement: Announcement


@dataclass(frozen=True)
class RouteInfo:
    """One workflow type and where it runs."""

    module: AnnouncedModule
    announced: AnnouncedRoute

    @property
    def workflow_type(self) -> str:
        """The workflow's Temporal name."""
        return self.announced.workflow_type

    @property
    def task_queue(self) -> str:
        """Where the module's workers poll."""
        return self.module.announcement.task_queue

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the payload; empty where the module announced none."""
        return self.announced.payload_schema or {}

    @cached_property
    def fields(self) -> dict[str, dict[str, Any]]:
        """The payload's fields as the schema describes them."""
        described = self.schema.get("properties", {})
        # A field may also be described by `true`: anything goes.
        return {name: it if isinstance(it, dict) else {} for name, it in described.items()}

    @cached_property
    def validator(self) -> jsonschema_rs.Validator:
        """The compiled schema.

        Raises:
            BrokenRouteError: It is no JSON Schema, or refers to one elsewhere.
        """
        try:
            return jsonschema_rs.validator_for(self.schema, offline=True)
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            [problem, *_] = str(error).splitlines()
            raise BrokenRouteError(
                self.workflow_type, self.module.deployment, f"an unusable payload schema: {problem}"
            ) from error


class RouteTable:
    """The routes of every module, as they were at one moment."""

    def __init__(self, modules: Iterable[AnnouncedModule] = ()) -> None:
        self.modules = tuple(sorted(modules, key=lambda module: module.deployment))
        self._routes: dict[str, list[RouteInfo]] = defaultdict(list)
        for module in self.modules:
            for announced in module.announcement.routes:
                self._routes[announced.workflow_type].append(RouteInfo(module, announced))

    @property
    def workflow_types(self) -> list[str]:
        """Every workflow type, sorted."""
        return sorted(self._routes)

    def find(self, workflow_type: str) -> RouteInfo | None:
        """Return the route; None where no module has it.

        Raises:
            RouteConflictError: Several modules claim the type.
        """
        claims = self._routes.get(workflow_type)
        if not claims:
            return None
        if len(claims) > 1:
            raise RouteConflictError(workflow_type, (route.module.deployment for route in claims))
        return claims[0]
