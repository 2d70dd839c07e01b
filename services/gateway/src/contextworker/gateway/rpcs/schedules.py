"""The RPCs about schedules."""

from contextworker.gateway.errors import NotOfferedError
from contextworker.gateway.rpcs.requests import Context, Wire, decoded


class ScheduleRpcs:
    """Translates between units on the wire and schedules."""

    async def RegisterSchedules(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Make or change schedules."""
        decoded(request)
        raise NotOfferedError("to come")

    async def ListSchedules(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """List schedules."""
        decoded(request)
        raise NotOfferedError("to come")

    async def PauseSchedule(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Stop a schedule from starting runs."""
        decoded(request)
        raise NotOfferedError("to come")

    async def ResumeSchedule(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Let a schedule start runs again."""
        decoded(request)
        raise NotOfferedError("to come")

    async def TriggerSchedule(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Start a schedule's run now."""
        decoded(request)
        raise NotOfferedError("to come")

    async def BackfillSchedule(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Start the runs of a past time."""
        decoded(request)
        raise NotOfferedError("to come")

    async def DeleteSchedule(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Remove a schedule."""
        decoded(request)
        raise NotOfferedError("to come")
