"""Finds the runs of schedules that are open."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest
from temporalio.common import SearchAttributeKey
from temporalio.converter import decode_typed_search_attributes

from contextworker.core.messages import Message
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.visibility.queries import one_of

_SCHEDULED_BY = SearchAttributeKey.for_keyword("TemporalScheduledById")
_MAX = 1000


class OpenRun(Message):
    """A run that is under way, or waits to be."""

    workflow_id: str
    run_id: str


async def read_open_runs(
    temporal: Temporal, schedules: Sequence[str]
) -> Mapping[str, list[OpenRun]]:
    """Return the open runs of some schedules, by what Temporal calls these; the latest first.

    A schedule itself knows its open runs only where it would wait for them.
    """
    if not schedules:
        return {}
    answer = await temporal.call(
        temporal.service.list_workflow_executions,
        ListWorkflowExecutionsRequest(
            namespace=temporal.namespace,
            query=f"{one_of(_SCHEDULED_BY.name, schedules)} AND ExecutionStatus = 'Running'",
            page_size=_MAX,
        ),
    )
    found: dict[str, list[OpenRun]] = defaultdict(list)
    for info in answer.executions:
        name = decode_typed_search_attributes(info.search_attributes).get(_SCHEDULED_BY)
        if name is not None:
            run = OpenRun(workflow_id=info.execution.workflow_id, run_id=info.execution.run_id)
            found[name].append(run)
    return found
