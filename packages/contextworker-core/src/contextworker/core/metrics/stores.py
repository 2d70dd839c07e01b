"""What is counted of what every member writes to: the Brain, the object store, payloads."""

from enum import StrEnum
from typing import Final, NamedTuple

from contextworker.core.metrics.instruments import Counter, Histogram, NoLabels

_CALL_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


class BrainCall(NamedTuple):
    """A call of the Brain as it ended."""

    operation: str
    outcome: str


class Tenant(NamedTuple):
    """Whose."""

    tenant: str


class CallOutcome(StrEnum):
    """How a call of the Brain ended."""

    OK = "ok"
    AWAY = "away"
    """The store did not answer: it is tried again."""
    REFUSED = "refused"
    """The store refused the call, and would again."""
    CANCELLED = "cancelled"
    ERROR = "error"
    """Something nobody foresaw."""


BRAIN_SECONDS = Histogram(
    "contextworker_brain_call_duration_seconds",
    "How long calls of the Brain took, by operation and outcome.",
    BrainCall,
    buckets=_CALL_S,
)
STORED_BYTES = Counter(
    "contextworker_object_store_written_bytes",
    "Bytes written to the object store, by tenant; the same object again counts again.",
    Tenant,
)
DECRYPTION_FAILURES = Counter(
    "contextworker_decryption_failures", "Payloads that could not be decrypted.", NoLabels
)
