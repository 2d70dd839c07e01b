"""What spans tell of a run, and of how it failed."""

import asyncio
from typing import Final

from temporalio.exceptions import ApplicationError, CancelledError

from contextworker.core.workflow_ids import tenant_in

CANCELLED: Final = (asyncio.CancelledError, CancelledError)


def about(workflow_type: str, workflow_id: str, task_queue: str) -> dict[str, str]:
    """Return the attributes that name a run's module, workflow and tenant."""
    run = {
        "contextworker.workflow_type": workflow_type,
        "contextworker.module": task_queue.removesuffix("-tasks"),
    }
    tenant_id = tenant_in(workflow_id)
    return run if tenant_id is None else {**run, "contextworker.tenant_id": tenant_id}


def kind_of(error: BaseException) -> str | None:
    """Return an error's type as Temporal has it; None where that is the class's name."""
    if isinstance(error, CANCELLED):
        return "Cancelled"
    return error.type if isinstance(error, ApplicationError) else None
