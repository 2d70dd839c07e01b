"""What a client is made with, checked as it is made; the same for both kinds of client."""

import math
from dataclasses import dataclass
from typing import Any, Final

from contextworker.core.caller import METADATA_KEY, CallerRights
from contextworker.core.client.endpoint import TLS, Endpoint
from contextworker.core.client.errors import ClosedError
from contextworker.core.client.replies import TaskStatus
from contextworker.core.client.requests import Call, Requests
from contextworker.core.client.retrying import Backoff, Budget
from contextworker.core.client.watching import OnInterruption, Watching
from contextworker.core.errors import ConfigurationError

TIMEOUT_S: Final = 30.0
ATTEMPT_TIMEOUT_S: Final = 10.0

Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True)
class Setup:
    """How to reach a gateway, and how patiently."""

    endpoint: Endpoint
    requests: Requests
    timeout_s: float
    attempt_timeout_s: float
    attempts: int | None

    @classmethod
    def of(
        cls,
        address: str,
        *,
        token: object,
        tls: TLS | bool,
        insecure: bool,
        service: str,
        timeout: float,
        attempt_timeout: float,
        attempts: int | None,
    ) -> "Setup":
        """Check what a client is made with.

        Raises:
            ConfigurationError: It cannot be.
        """
        for name, seconds in (("timeout", timeout), ("attempt_timeout", attempt_timeout)):
            if not 0 < seconds < float("inf"):
                raise ConfigurationError(f"{name} {seconds!r}: a number of seconds above 0")
        if attempts is not None and attempts < 1:
            raise ConfigurationError(f"attempts {attempts!r}: at least 1, or None for no limit")
        if token is not None and not callable(token):
            authorization(str(token))
        endpoint = Endpoint.of(address, tls=tls, sends_token=token is not None, insecure=insecure)
        return cls(endpoint, Requests(service), timeout, attempt_timeout, attempts)

    def budget(self, timeout: float | None) -> Budget:
        """Return the time that one call may take, with all its attempts."""
        return Budget(self.timeout_s if timeout is None else timeout)

    def attempt_s(self, call: Call[Any]) -> float:
        """Return how long one attempt of a call may take, within the call's own time."""
        return math.inf if call.long else self.attempt_timeout_s

    def watching(
        self,
        workflow_id: str,
        timeout: float | None,
        on_interruption: OnInterruption | None = None,
        *,
        known: TaskStatus | None = None,
    ) -> Watching:
        """Begin to follow a task; `known`: how it stands, where the gateway has said so."""
        budget = Budget(timeout)
        first = Budget(min(budget.remaining_s, self.timeout_s))
        return Watching(
            workflow_id,
            budget,
            attempt_timeout_s=self.attempt_timeout_s,
            first=Backoff(first, self.attempts),
            on_interruption=on_interruption,
            known=known,
        )


def authorization(token: str) -> Metadata:
    """Return the metadata that carries a token.

    Raises:
        ConfigurationError: It cannot be sent; a token read from a file may end in a line break.
    """
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(
            "the token is empty, or holds a space, a line break or another character that no "
            "token has"
        )
    return (("authorization", f"Bearer {token}"),)


def on_behalf_of(rights: CallerRights) -> Metadata:
    """Return the metadata that narrows a call to somebody's rights."""
    return ((METADATA_KEY, rights.model_dump_json().encode()),)


def closed(address: str) -> ClosedError:
    """Say that a client was closed."""
    return ClosedError(f"this client of {address} is closed; make another one")


def forked(address: str) -> ClosedError:
    """Say that a connection does not survive a fork."""
    return ClosedError(
        f"this client of {address} was used before this process was forked, and gRPC does not "
        "survive that; make a client, or use it for the first time, after the fork"
    )
