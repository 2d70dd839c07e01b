"""Lists the modules that have announced themselves, with the workers that serve them now."""

import asyncio
import json
from dataclasses import dataclass

from pydantic import JsonValue

from contextworker.core.pollers import UNVERSIONED
from contextworker.gateway.routing.route_cache import RouteCache
from contextworker.gateway.routing.routes import AnnouncedModule
from contextworker.gateway.runs.pollers import read_queue
from contextworker.gateway.temporal import Temporal

_MAX_INTEGER = 2**53


@dataclass(frozen=True)
class ModuleLister:
    """Reads the modules and counts their workers."""

    temporal: Temporal
    routes: RouteCache

    async def list(self) -> list[dict[str, JsonValue]]:
        """Return every module, by name.

        A worker counts while it has polled within the last 70 seconds, which is as close to alive
        as Temporal can tell.
        """
        table = await self.routes.table()
        return list(await asyncio.gather(*(self._listed(module) for module in table.modules)))

    async def _listed(self, module: AnnouncedModule) -> dict[str, JsonValue]:
        queue = await read_queue(self.temporal, module.announcement.task_queue)
        version = (module.deployment, module.build_id)
        live = queue.live(version=UNVERSIONED if queue.current == UNVERSIONED else version)
        return {
            "name": module.announcement.module,
            "task_queue": module.announcement.task_queue,
            "build_id": module.build_id,
            "workers": len({poller.identity for poller in live}),
            "routes": [
                {
                    "workflow_type": route.workflow_type,
                    "description": route.description,
                    "workflow_id": route.workflow_id,
                    "schema": _travelling(route.payload_schema),
                }
                for route in module.announcement.routes
            ],
        }


def _travelling(schema: dict[str, JsonValue] | None) -> JsonValue:
    """Make a schema fit a unit, where numbers are doubles: a bound may lie beyond 2^53."""

    def parsed(text: str) -> int | float:
        return int(text) if abs(int(text)) <= _MAX_INTEGER else float(text)

    value: JsonValue = json.loads(json.dumps(schema), parse_int=parsed)
    return value
