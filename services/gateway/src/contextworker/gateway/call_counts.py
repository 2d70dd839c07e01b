"""Counts calls as they end: whose, by which RPC, with which code, how long they took."""

import time
from collections import Counter
from typing import Final

from contextcore import context_unit_pb2
from contextworker.core.metrics import is_on
from contextworker.core.metrics.gateway import (
    OPEN_CALLS,
    REFUSED_TOKENS,
    REQUEST_SECONDS,
    REQUESTS,
    Call,
    CallKind,
    Refused,
    Rpc,
)
from contextworker.gateway.identity.caller import Caller
from contextworker.gateway.limits.attribution import share_of
from contextworker.gateway.limits.share import Owner

_CANCELLED: Final = "CANCELLED"


class CountedCall:
    """One call, until it has ended."""

    __slots__ = ("_began_at", "_code", "_open", "_rpc", "_tenant")

    def __init__(self, rpc: str, open_calls: Counter[str]) -> None:
        self._rpc = rpc
        self._open = open_calls
        self._tenant = ""
        self._began_at = time.perf_counter()
        # Whatever ends a call without a word of ours, its caller has left.
        self._code = _CANCELLED
        open_calls[rpc] += 1
        OPEN_CALLS.set(open_calls[rpc], Rpc(rpc))

    def belongs(self, request: context_unit_pb2.ContextUnit, caller: Caller) -> None:
        """Note whose it is."""
        share = share_of(request, caller)
        if share.owner is Owner.TENANT:
            self._tenant = share.name

    def ends_with(self, code: str) -> None:
        """Note its gRPC code."""
        self._code = code

    def end(self) -> None:
        """Count it."""
        rpc, code = self._rpc, self._code
        self._open[rpc] -= 1
        OPEN_CALLS.set(self._open[rpc], Rpc(rpc))
        REQUESTS.add(1, Call(rpc, code, self._tenant))
        REQUEST_SECONDS.record(time.perf_counter() - self._began_at, CallKind(rpc, code))


class _Uncounted:
    """A call of a gateway that exports no metrics."""

    __slots__ = ()

    def belongs(self, request: context_unit_pb2.ContextUnit, caller: Caller) -> None:
        """Do nothing."""

    def ends_with(self, code: str) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


AnyCall = CountedCall | _Uncounted


class CallCounts:
    """The calls of this gateway."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._uncounted = _Uncounted()

    def begin(self, rpc: str) -> AnyCall:
        """Begin a call of an RPC that the service has, by a caller who is known."""
        return CountedCall(rpc, self._open) if is_on() else self._uncounted

    def refused(self, rpc: str, code: str, *, problem: str | None) -> None:
        """Count a call of nobody's: its token was refused, for a reason of the few there are."""
        REQUESTS.add(1, Call(rpc, code, ""))
        if problem is not None:
            REFUSED_TOKENS.add(1, Refused(problem))
