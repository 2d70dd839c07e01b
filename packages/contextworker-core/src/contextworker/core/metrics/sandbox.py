"""What the sandbox counts."""

from enum import StrEnum
from typing import NamedTuple

from contextworker.core.metrics.instruments import Counter, Gauge, NoLabels


class ExecutionEnd(NamedTuple):
    """How a tenant's program ended."""

    tenant: str
    outcome: str


class Interpreters(NamedTuple):
    """What interpreter processes do."""

    state: str


class Outcome(StrEnum):
    """How a program ended."""

    COMPLETED = "completed"
    ERROR = "error"
    """It raised, or cannot be run at all."""
    LIMIT = "limit"
    """It used more than its limits allow."""
    CRASHED = "crashed"
    """Its interpreter did."""


class State(StrEnum):
    """What an interpreter process does."""

    BUSY = "busy"
    FREE = "free"


EXECUTIONS = Counter(
    "contextworker_sandbox_executions",
    "Programs that ended, by tenant and outcome. Counted by workflow code, not in replays.",
    ExecutionEnd,
)
RESTARTS = Counter(
    "contextworker_sandbox_interpreter_restarts",
    "Interpreter processes that took the place of another: crashed, killed, or had their turns.",
    NoLabels,
)
INTERPRETERS = Gauge(
    "contextworker_sandbox_interpreters", "Interpreter processes, by what they do.", Interpreters
)
WAITING = Gauge(
    "contextworker_sandbox_turns_waiting", "Turns that wait for an interpreter.", NoLabels
)
CROWDED = Counter(
    "contextworker_sandbox_turns_put_off",
    "Turns that were told to come again, because too many of their tenant's wait.",
    NoLabels,
)
