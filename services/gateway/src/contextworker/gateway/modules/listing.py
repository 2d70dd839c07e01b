"""Lists the modules that have announced themselves, with the workers that serve them now."""

import asyncio
import json
import time
from collections.abc import Mapping

from pydantic import JsonValue
from temporalio.service import RPCError

from contextcore import ContextUnit, UnitError
from contextworker.core.pollers import UNVERSIONED
from contextworker.gateway.errors import BrokenRouteError
from contextworker.gateway.modules.state import read_backlog, read_versions
from contextworker.gateway.routing.route_cache import RouteCache
from contextworker.gateway.routing.routes import AnnouncedModule, RouteInfo
from contextworker.gateway.routing.workflow_ids import template_of
from contextworker.gateway.shared_task import shared_task
from contextworker.gateway.task_queues import Queues
from contextworker.gateway.temporal import Temporal

_MAX_INTEGER = 2**53
_AT_ONCE = 4
_TOO_DEEP = (
    "its routes cannot be told: their schemas are nested deeper than a unit's payload may be"
)

Listed = list[Mapping[str, JsonValue]]


class ModuleLister:
    """Reads the modules, and how they stand: once for all who ask within a moment."""

    def __init__(
        self, temporal: Temporal, queues: Queues, routes: RouteCache, *, min_interval_s: float
    ) -> None:
        self._temporal = temporal
        self._queues = queues
        self._routes = routes
        self._min_interval_s = min_interval_s
        self._listing: asyncio.Task[Listed] | None = None
        self._listed_at = float("-inf")

    async def list(self) -> Listed:
        """Return every module, by name.

        A worker counts while it has polled within the last 70 seconds, which is as close to alive
        as Temporal can tell.

        Raises:
            TemporalUnavailableError: Temporal does not answer.
        """
        if self._listing is None or self._is_old(self._listing):
            self._listed_at = time.monotonic()
            self._listing = shared_task(self._list())
        return await asyncio.shield(self._listing)

    def _is_old(self, listing: asyncio.Task[Listed]) -> bool:
        if not listing.done():
            return False
        failed = listing.cancelled() or listing.exception() is not None
        return failed or time.monotonic() - self._listed_at > self._min_interval_s

    async def _list(self) -> Listed:
        table = await self._routes.table()
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(module: AnnouncedModule) -> Mapping[str, JsonValue]:
            async with limit:
                return await self._one(module)

        return await asyncio.gather(*(one(module) for module in table.modules))

    async def _one(self, module: AnnouncedModule) -> Mapping[str, JsonValue]:
        try:
            state = await self._state(module)
        except RPCError as error:
            # Whatever one module announced, the others are listed.
            state = {"workers": 0, "reason": f"Temporal refuses its task queue: {error.message}"}
        listed: dict[str, JsonValue] = {
            "name": module.announcement.module,
            "task_queue": module.announcement.task_queue,
            "build_id": module.build_id,
            **state,
            "routes": [_route(RouteInfo(module, it)) for it in module.announcement.routes],
        }
        return listed if _travels(listed) else {**listed, "routes": [], "reason": _TOO_DEEP}

    async def _state(self, module: AnnouncedModule) -> dict[str, JsonValue]:
        name = module.announcement.task_queue
        queue, backlog, versions = await asyncio.gather(
            self._queues.read(name),
            read_backlog(self._temporal, name),
            read_versions(self._temporal, module.deployment),
        )
        version = (module.deployment, module.build_id)
        live = queue.live(version=UNVERSIONED if queue.current == UNVERSIONED else version)
        return {
            "workers": len({poller.identity for poller in live}),
            "versions": [it.model_dump(mode="json", exclude_none=True) for it in versions],
            "backlog": backlog.model_dump(mode="json"),
        }


def _travels(listed: dict[str, JsonValue]) -> bool:
    try:
        ContextUnit(payload={"modules": [listed]}).to_protobuf()
    except UnitError:
        return False
    return True


def _route(route: RouteInfo) -> JsonValue:
    return {
        "workflow_type": route.workflow_type,
        "description": route.announced.description,
        "workflow_id": _template(route),
        "schema": _travelling(route.announced.payload_schema),
    }


def _template(route: RouteInfo) -> str | None:
    try:
        template = template_of(route)
    except BrokenRouteError:  # who starts it is told what is wrong
        return route.announced.workflow_id
    return None if template is None else str(template)


def _travelling(schema: dict[str, JsonValue] | None) -> JsonValue:
    """Make a schema fit a unit, where numbers are doubles: a bound may lie beyond 2^53."""

    def parsed(text: str) -> int | float:
        return int(text) if abs(int(text)) <= _MAX_INTEGER else float(text)

    value: JsonValue = json.loads(json.dumps(schema), parse_int=parsed)
    return value
