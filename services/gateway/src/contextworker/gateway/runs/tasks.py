"""Everything that can be done with runs."""

from dataclasses import dataclass
from typing import Self

from contextworker.gateway.runs.cancelling import Canceller
from contextworker.gateway.runs.executions import Executions
from contextworker.gateway.runs.listing import TaskLister
from contextworker.gateway.runs.plan import Planner
from contextworker.gateway.runs.starting import Starter
from contextworker.gateway.runs.state.status import StatusReader
from contextworker.gateway.runs.watching import Watches
from contextworker.gateway.task_queues import Queues
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.visibility.run_attributes import RunAttributes


@dataclass(frozen=True)
class Tasks:
    """Starts runs, tells how they stand, lists, follows and cancels them."""

    starter: Starter
    statuses: StatusReader
    watches: Watches
    canceller: Canceller
    lister: TaskLister

    @classmethod
    def of(
        cls,
        temporal: Temporal,
        queues: Queues,
        planner: Planner,
        attributes: RunAttributes,
        *,
        max_executions: int,
    ) -> Self:
        """Put them together; a tenant may have so many executions of code open."""
        executions = Executions(temporal, attributes, most=max_executions)
        statuses = StatusReader(temporal, queues)
        return cls(
            starter=Starter(temporal, planner, attributes, executions),
            statuses=statuses,
            watches=Watches(temporal, statuses),
            canceller=Canceller(temporal),
            lister=TaskLister(temporal, attributes),
        )
