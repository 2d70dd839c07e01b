"""What the platform itself offers, asked of the gateway in the name of whoever runs the code."""

from pydantic import JsonValue

from contextworker.core.caller import CallerRights
from contextworker.core.client import AsyncWorkerClient, ClientError
from contextworker.sandbox.messages import Answer, StartedTask, TaskQuestion, TaskStart
from contextworker.sandbox.sizes import json_bytes
from contextworker.sandbox.tools.answers import fitting, raised
from contextworker.sandbox.tools.refusals import refusal_of

_EXECUTE = "worker:execute"
_READ = "worker:read"


class Platform:
    """Starts workflows, and looks at them.

    Every check is the gateway's: it narrows what this worker may do to what the caller may. Tenant
    and permission are checked here as well, so that one wrong answer there lets nobody through.
    """

    def __init__(self, client: AsyncWorkerClient) -> None:
        self._client = client

    async def start(self, start: TaskStart) -> Answer:
        """Start the run of a unit.

        Raises:
            TransientError: The gateway cannot be asked now, or does not let this worker in.
        """
        rights, unit = start.rights, start.unit
        if refused := _lacking(rights, _EXECUTE, "start_workflow()"):
            return refused
        tenant_id = unit.payload.get("tenant_id", rights.tenant_id)
        if tenant_id != rights.tenant_id:
            return raised(
                PermissionError,
                f"this code runs for the tenant {rights.tenant_id!r}, and starts nothing for "
                f"{tenant_id!r}; leave tenant_id out",
            )
        named = unit.model_copy(update={"payload": {**unit.payload, "tenant_id": tenant_id}})
        try:
            task = await self._client.on_behalf_of(rights).start(named)
        except ClientError as error:
            return refusal_of(error, rights, self._client.address)
        started = StartedTask(workflow_id=task.workflow_id, run_id=task.run_id)
        return Answer(value=started.model_dump(mode="json"))

    async def status(self, question: TaskQuestion) -> Answer:
        """Tell how a task stands.

        Raises:
            TransientError: The gateway cannot be asked now, or does not let this worker in.
        """
        rights = question.rights
        if refused := _lacking(rights, _READ, "task_status()"):
            return refused
        try:
            status = await self._client.on_behalf_of(rights).status(
                question.workflow_id, run_id=question.run_id
            )
        except ClientError as error:
            return refusal_of(error, rights, self._client.address)
        return _told(status.dump(), question.answer_bytes)


def _told(status: dict[str, JsonValue], most_bytes: int) -> Answer:
    # A result that is too large for code must not keep it from seeing that the task is done.
    if status.get("result") is not None and json_bytes(status) > most_bytes:
        size = json_bytes(status.pop("result"))
        status["reason"] = (
            f"the result takes {size:,} bytes, and what a call answers may take {most_bytes:,}"
        )
    return fitting(status, "task_status()", most_bytes)


def _lacking(rights: CallerRights, permission: str, what: str) -> Answer | None:
    if not rights.lacks(permission):
        return None
    return raised(
        PermissionError,
        f"{what} takes the permission {permission!r}, which the token of {rights.subject!r} does "
        "not have",
    )
