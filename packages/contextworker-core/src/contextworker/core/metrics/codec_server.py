"""What the codec server counts."""

from enum import StrEnum
from typing import NamedTuple

from contextworker.core.metrics.instruments import Counter


class Answered(NamedTuple):
    """A request as it was answered."""

    operation: str
    status: str


class Opened(NamedTuple):
    """What became of a payload."""

    outcome: str


class RefusedToken(NamedTuple):
    """A token that was refused: by which rule."""

    problem: str


class Outcome(StrEnum):
    """What became of a payload."""

    OPENED = "opened"
    """It was decrypted, fetched from the object store, or both."""
    PLAIN = "plain"
    """It was not encrypted, and is answered as it was."""
    FORBIDDEN = "forbidden"
    """It is of a tenant whom the token is not for."""
    TOO_LARGE = "too_large"
    NO_KEY = "no_key"
    """The codec server lacks the key to it."""
    UNREADABLE = "unreadable"
    """The key of that id does not open it, or it is not in the object store."""


REQUESTS = Counter(
    "contextworker_codec_server_requests",
    "Requests for payloads that were answered, by operation and HTTP status.",
    Answered,
)
PAYLOADS = Counter(
    "contextworker_codec_server_payloads",
    "Payloads that somebody wanted to read, by what became of them.",
    Opened,
)
REFUSED_TOKENS = Counter(
    "contextworker_codec_server_refused_tokens",
    "Requests whose token was missing or refused, by the word for what is wrong.",
    RefusedToken,
)
