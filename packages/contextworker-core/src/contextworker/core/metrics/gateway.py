"""What the gateway counts: calls, starts of runs, routes."""

from enum import StrEnum
from typing import Final, NamedTuple

from contextworker.core.metrics.instruments import Counter, Gauge, Histogram, NoLabels

_CALL_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Call(NamedTuple):
    """A call as it ended. `tenant` is empty where none is known, as of a refused token."""

    rpc: str
    code: str
    tenant: str


class CallKind(NamedTuple):
    """A call as it ended, whoever made it."""

    rpc: str
    code: str


class Rpc(NamedTuple):
    """What is called."""

    rpc: str


class Refused(NamedTuple):
    """A token that was refused: by which rule."""

    problem: str


class Start(NamedTuple):
    """What a start came to, of a type that a module announced."""

    workflow_type: str
    tenant: str
    outcome: str


class Read(NamedTuple):
    """How a reading of the routes ended."""

    outcome: str


class StartOutcome(StrEnum):
    """What a start came to."""

    STARTED = "started"
    """Also where the unit was sent again at once: Temporal answers both alike."""
    ALREADY_RUNNING = "already_running"
    """Another unit's run does the work."""
    JOINED = "joined"
    """The unit came again, and found the run that it had started or joined before."""


class ReadOutcome(StrEnum):
    """How a reading ended."""

    READ = "read"
    FAILED = "failed"


REQUESTS = Counter(
    "contextworker_gateway_requests",
    "Calls of the WorkerService that ended, by RPC, gRPC code and tenant.",
    Call,
)
REQUEST_SECONDS = Histogram(
    "contextworker_gateway_request_duration_seconds",
    "How long calls took, from the verified token to the answer, by RPC and gRPC code.",
    CallKind,
    buckets=_CALL_S,
)
OPEN_CALLS = Gauge("contextworker_gateway_open_calls", "Calls that are being served, by RPC.", Rpc)
REFUSED_TOKENS = Counter(
    "contextworker_gateway_refused_tokens",
    "Calls whose token was missing or refused, by the word for what is wrong.",
    Refused,
)
STARTS = Counter(
    "contextworker_gateway_starts",
    "Units that asked for a run, by workflow type, tenant and what came of it.",
    Start,
)
ROUTES = Gauge(
    "contextworker_gateway_routes", "Workflow types that the gateway has a route for.", NoLabels
)
ROUTES_READ_AT = Gauge(
    "contextworker_gateway_routes_read_timestamp_seconds",
    "When the routes were last read from Temporal; until they can be, the old ones are used.",
    NoLabels,
)
ROUTE_READS = Counter(
    "contextworker_gateway_route_reads",
    "Readings of the routes, by whether they could be read.",
    Read,
)
