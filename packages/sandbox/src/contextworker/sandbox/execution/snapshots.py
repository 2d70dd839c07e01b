"""Which snapshots of an execution there are, and when one is needed no more."""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError

from contextworker.core.messages import ObjectRef
from contextworker.sandbox.execution.lanes import HEARTBEAT, PATIENT
from contextworker.sandbox.messages import SandboxActivities

_PATIENCE: Final = timedelta(minutes=10)


class Snapshots:
    """The snapshot to resume from, and those before it."""

    def __init__(self, execution: str, tenant_id: str) -> None:
        self._execution = execution
        self._tenant_id = tenant_id
        self._superseded: list[ObjectRef] = []
        self._current: ObjectRef | None = None
        self._known_at = 0
        self.exist = False
        """Whether there may be any in the store."""

    def came(self, snapshot: ObjectRef) -> None:
        """Note where the code stands now."""
        if self._current is not None:
            self._superseded.append(self._current)
        self._current, self.exist = snapshot, True
        self._known_at = workflow.info().get_current_history_length()

    def needless(self) -> tuple[ObjectRef, ...]:
        """Hand over those that can go.

        None while the server has not heard of the current one: were this worker lost, another would
        resume from one before it.
        """
        if workflow.info().get_current_history_length() <= self._known_at:
            return ()
        current = self._current.key if self._current else ""
        gone = tuple(one for one in self._superseded if one.key != current)
        self._superseded.clear()
        return gone

    async def discard(self) -> None:
        """Delete all of them: the execution has ended.

        No local activity, because the server has to know of the end first, as above. What cannot be
        deleted for long is left: the result is worth more.
        """
        if not self.exist:
            return
        try:
            await workflow.execute_activity_method(
                SandboxActivities.discard_snapshots,
                args=[self._execution, self._tenant_id],
                start_to_close_timeout=timedelta(minutes=1),
                schedule_to_close_timeout=_PATIENCE,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=PATIENT,
            )
        except ActivityError as error:
            workflow.logger.warning("the snapshots of %s stay: %s", self._execution, error.cause)
