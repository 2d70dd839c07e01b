"""The contract: every way in which a call of the gateway can end without an answer.

The README's table of errors is written from it: `python test-support/gateway_contract.py`.
"""

from dataclasses import dataclass
from pathlib import Path

import grpc

from contextcore import worker_pb2
from contextworker.gateway import errors
from contextworker.gateway.errors import GatewayError

README = Path(__file__).parents[2] / "README.md"
_BEGIN, _END = "<!-- errors: begin -->\n", "<!-- errors: end -->\n"

SERVICE = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"]
RPCS = tuple(method.name for method in SERVICE.methods)
STREAMING = frozenset(method.name for method in SERVICE.methods if method.server_streaming)

_STARTING = ("StartWorkflow", "ExecuteCode", "RegisterSchedules")
_ONE_RUN = ("GetTaskStatus", "WatchTask", "CancelTask")
_ONE_SCHEDULE = (
    "PauseSchedule",
    "ResumeSchedule",
    "TriggerSchedule",
    "BackfillSchedule",
    "DeleteSchedule",
)


@dataclass(frozen=True)
class Ending:
    """One way to end: what a caller gets, of which calls, and when."""

    code: grpc.StatusCode
    reason: str
    """`ErrorInfo.reason`; empty where gRPC itself ends the call, without details."""

    when: str
    rpcs: tuple[str, ...] = RPCS
    metadata: tuple[str, ...] = ()
    """The keys of `ErrorInfo.metadata`; `a|b` for one of two."""

    violations: bool = False
    """Whether a `BadRequest` names fields."""

    retry: bool = False
    """Whether a `RetryInfo` says when to try again."""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other."""
        return self.code.name, self.reason


def _ending(error: type[GatewayError], when: str, **more: object) -> Ending:
    return Ending(error.code, error.reason, when, **more)  # type: ignore[arg-type] # as Ending says


_Code = grpc.StatusCode

ENDINGS = (
    _ending(
        errors.UnauthenticatedError,
        "the gateway takes tokens, and the call brings none, or not one that says who calls",
        metadata=("problem",),
    ),
    _ending(
        errors.KeysUnavailableError,
        "the keys that tokens are checked with cannot be read",
        retry=True,
    ),
    _ending(
        errors.PermissionMissingError,
        "the token does not permit the call, or whom it is made for may not make it",
        metadata=("rpc", "permission"),
    ),
    _ending(
        errors.RateLimitedError,
        "the tenant calls more often than this gateway allows",
        metadata=("limit", "allowed", "tenant_id|subject"),
        retry=True,
    ),
    _ending(
        errors.TooManyCallsError,
        "the tenant has as many calls, executions or watches in hand as it may",
        metadata=("limit", "allowed", "tenant_id|subject"),
        retry=True,
    ),
    _ending(
        errors.InvalidRequestError,
        "the envelope, the payload or the metadata is wrong, or a payload larger than a run takes "
        "(2 MiB in Temporal)",
        violations=True,
    ),
    _ending(
        errors.ScopeMissingError,
        "the token does not hold the unit's scopes (`security`), or the run's",
        metadata=("scopes",),
    ),
    _ending(
        errors.TenantDeniedError,
        "the payload, or whom the call is made for, names a tenant that is not the token's",
        metadata=("tenant_id",),
    ),
    _ending(
        errors.UnknownWorkflowTypeError,
        "no module serves the type",
        rpcs=("StartWorkflow",),
        metadata=("workflow_type", "known"),
    ),
    _ending(
        errors.RouteConflictError,
        "two modules claim the type",
        rpcs=_STARTING,
        metadata=("workflow_type", "modules"),
    ),
    _ending(
        errors.BrokenRouteError,
        "a module announced an unusable schema or id template",
        rpcs=_STARTING,
        metadata=("workflow_type", "module"),
    ),
    _ending(
        errors.RunNotFoundError,
        "there is no such run, or it is another tenant's",
        rpcs=_ONE_RUN,
        metadata=("workflow_id",),
    ),
    _ending(
        errors.ScheduleNotFoundError,
        "the tenant has no such schedule",
        rpcs=_ONE_SCHEDULE,
        metadata=("tenant_id", "schedule_id"),
    ),
    _ending(errors.NotOfferedError, "no module runs code", rpcs=("ExecuteCode",)),
    _ending(
        errors.TooManyExecutionsError,
        "the tenant has as many executions of code open as it may; there is no time to try again, "
        "for code that starts code would wait for itself",
        rpcs=("StartWorkflow", "ExecuteCode"),
        metadata=("tenant_id", "allowed"),
    ),
    _ending(
        errors.ExecutionFailedError,
        "the run that was to run the code failed, was cancelled or terminated, timed out, or left "
        "what no reply can hold; an error in the code is a result",
        rpcs=("ExecuteCode",),
        metadata=("workflow_id", "run_id", "status"),
    ),
    _ending(
        errors.TemporalUnavailableError,
        "Temporal is away, hangs, or does not let the gateway in",
        retry=True,
    ),
    _ending(errors.TemporalBusyError, "Temporal asks to slow down", retry=True),
    _ending(
        errors.TemporalRefusedError,
        "Temporal says no, for a reason that only it knows of",
        metadata=("temporal_code",),
    ),
    _ending(
        errors.ReplyTooLargeError,
        "the answer is larger than clients take (4 MiB)",
        metadata=("size", "limit"),
    ),
    _ending(
        errors.UnreadableRunError,
        "the gateway lacks the key, or the store, that it takes to see who may look at the run or "
        "schedule",
        rpcs=(*_ONE_RUN, *_ONE_SCHEDULE),
    ),
    _ending(
        errors.StoreUnavailableError,
        "the object store does not take the unit, which is too large for Temporal",
        rpcs=("StartWorkflow", "ExecuteCode"),
        retry=True,
    ),
    _ending(
        errors.GatewayStoppingError,
        "the gateway stops while the call goes on; another one answers",
        rpcs=("WatchTask",),
        retry=True,
    ),
    _ending(
        errors.OutOfTimeError,
        "the caller's deadline passed before Temporal answered",
        rpcs=tuple(rpc for rpc in RPCS if rpc != "ListModules"),
    ),
    Ending(_Code.DEADLINE_EXCEEDED, "", "the same, where the client notices first"),
    Ending(_Code.RESOURCE_EXHAUSTED, "", "the request is larger than the gateway takes"),
    Ending(
        _Code.INTERNAL, "INTERNAL", "a fault of the gateway, in its log", metadata=("incident",)
    ),
)


def table() -> str:
    """Write the table of all endings."""
    head = "| code | `ErrorInfo.reason` | when | further details | calls |\n|---|---|---|---|---|\n"
    return head + "".join(map(_row, ENDINGS))


def written() -> str:
    """Return the README as it must be."""
    before, _, rest = README.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table()}{_END}{after}"


def _row(ending: Ending) -> str:
    keys = ", ".join(f"`{key}`".replace("|", "` or `") for key in ending.metadata)
    details = [
        "`BadRequest`: a violation per problem" if ending.violations else "",
        "`RetryInfo`" if ending.retry else "",
        f"metadata {keys}" if keys else "",
    ]
    cells = [
        f"`{ending.code.name}`",
        f"`{ending.reason}`" if ending.reason else "none, from gRPC itself",
        ending.when,
        "; ".join(filter(None, details)),
        _calls(ending.rpcs),
    ]
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |")


def _calls(rpcs: tuple[str, ...]) -> str:
    if len(rpcs) == len(RPCS):
        return "all"
    others = [f"`{rpc}`" for rpc in RPCS if rpc not in rpcs]
    if len(others) <= len(rpcs) // 2:
        return f"all but {', '.join(others)}"
    return ", ".join(f"`{rpc}`" for rpc in rpcs)


if __name__ == "__main__":
    README.write_text(written())
