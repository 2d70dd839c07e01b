"""The unit of a scheduled run: its own, although Temporal starts every run with the same one."""

from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from contextcore import ContextUnit
from contextcore.origin import new_id

REGISTERED = "gateway:register_schedules"
"""Last in the provenance of the unit that a schedule keeps."""

_FIRED = "gateway:schedule"
_SCHEDULED_BY = SearchAttributeKey.for_keyword("TemporalScheduledById")


def own_unit(arguments: Sequence[Any]) -> Sequence[Any]:
    """Put a unit of the run's own in the place of the one its schedule keeps.

    It follows that one, and begins a trace. Arguments of any other run stay as they are, also those
    of a scheduled run that continued as new: its unit is no longer the schedule's.
    """
    kept = arguments[0] if arguments else None
    if (
        not isinstance(kept, ContextUnit)
        or kept.provenance[-1:] != [REGISTERED]
        or workflow.info().typed_search_attributes.get(_SCHEDULED_BY) is None
    ):
        return arguments
    fired = kept.child(kept.payload, provenance=_FIRED)
    return [fired.model_copy(update={"trace_id": new_id()}), *arguments[1:]]
