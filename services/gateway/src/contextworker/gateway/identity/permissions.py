"""What each RPC of the WorkerService takes of its caller's token."""

from collections.abc import Iterable, Mapping

EXECUTE = "worker:execute"
READ = "worker:read"
SCHEDULE = "worker:schedule"
ADMIN = "worker:admin"

PERMISSIONS: Mapping[str, str] = {
    "StartWorkflow": EXECUTE,
    "CancelTask": EXECUTE,
    "ExecuteCode": EXECUTE,
    "GetTaskStatus": READ,
    "WatchTask": READ,
    "ListTasks": READ,
    "ListModules": READ,
    "ListSchedules": READ,
    "RegisterSchedules": SCHEDULE,
    "PauseSchedule": SCHEDULE,
    "ResumeSchedule": SCHEDULE,
    "TriggerSchedule": SCHEDULE,
    "BackfillSchedule": SCHEDULE,
    "DeleteSchedule": SCHEDULE,
}
"""By the RPC's name: the permission it takes. An RPC that is not here serves nobody."""

WORKER_PERMISSIONS = frozenset({EXECUTE, READ, SCHEDULE, ADMIN})
"""Every permission of this project; a token's other permissions are scopes of units."""


def with_implied(permissions: Iterable[str]) -> frozenset[str]:
    """Return permissions with those that they imply: who may do everything may do each."""
    held = frozenset(permissions)
    return held | WORKER_PERMISSIONS if ADMIN in held else held
