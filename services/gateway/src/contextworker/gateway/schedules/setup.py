"""Puts together what the RPCs about schedules call."""

from dataclasses import dataclass

from contextworker.gateway.routing.route_cache import RouteCache
from contextworker.gateway.runs.plan import Planner
from contextworker.gateway.schedules.backfilling import Backfill
from contextworker.gateway.schedules.control import ScheduleControl
from contextworker.gateway.schedules.firing import Trigger
from contextworker.gateway.schedules.judging import TimesJudge
from contextworker.gateway.schedules.listing import ScheduleLister
from contextworker.gateway.schedules.patching import Patcher
from contextworker.gateway.schedules.planning import SchedulePlanner
from contextworker.gateway.schedules.reading import ScheduleReader
from contextworker.gateway.schedules.registering import Registrar
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.visibility.run_attributes import RunAttributes


@dataclass(frozen=True)
class Schedules:
    """Everything that is done with schedules."""

    registrar: Registrar
    lister: ScheduleLister
    control: ScheduleControl
    trigger: Trigger
    backfill: Backfill

    @classmethod
    def of(
        cls,
        temporal: Temporal,
        attributes: RunAttributes,
        routes: RouteCache,
        planner: Planner,
    ) -> "Schedules":
        """Put it together before one Temporal."""
        reader, patcher = ScheduleReader(temporal), Patcher(temporal)
        plans = SchedulePlanner(temporal, planner, TimesJudge(temporal))
        return cls(
            registrar=Registrar(temporal, attributes, plans, reader),
            lister=ScheduleLister(temporal, attributes, routes, reader),
            control=ScheduleControl(temporal, reader, patcher),
            trigger=Trigger(temporal, reader, patcher),
            backfill=Backfill(temporal, reader, patcher),
        )
