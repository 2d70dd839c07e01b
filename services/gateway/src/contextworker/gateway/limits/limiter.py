"""Holds each tenant to its share of a gateway."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from contextcore import context_unit_pb2
from contextworker.gateway.identity.caller import Caller
from contextworker.gateway.limits.attribution import share_of
from contextworker.gateway.limits.rate import Rate
from contextworker.gateway.limits.slots import Slots
from contextworker.gateway.settings import GatewaySettings

_WATCH = "WatchTask"
_EXECUTE = "ExecuteCode"
# Calls take milliseconds, watches as long as their runs, executions something in between.
_CALL_RETRY_S = 0.5
_WATCH_RETRY_S = 5.0


class Limiter:
    """Limits how often a tenant calls, and how much it has in hand; a limit of 0 is none.

    What it counts is this process's: replicas allow their number times as much.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        rate, calls, watches = (
            settings.gateway_rate_per_s,
            settings.gateway_max_concurrent_calls,
            settings.gateway_max_watches,
        )
        self._rate = Rate(rate) if rate else None
        self._calls = Slots(calls, "calls", retry_after_s=_CALL_RETRY_S) if calls else None
        # Executions not among the calls: those that the code makes must find room beside it.
        self._by_rpc = {
            _EXECUTE: Slots(calls, "executions", retry_after_s=_CALL_RETRY_S) if calls else None,
            _WATCH: Slots(watches, "watches", retry_after_s=_WATCH_RETRY_S) if watches else None,
        }

    @contextmanager
    def slot(
        self, rpc: str, request: context_unit_pb2.ContextUnit, caller: Caller
    ) -> Iterator[None]:
        """Hold one of the tenant's slots while a call runs.

        Raises:
            RateLimitedError: The tenant calls too often.
            TooManyCallsError: It has too many in hand.
        """
        share = share_of(request, caller)
        slots = self._by_rpc.get(rpc, self._calls)
        with slots.held(share) if slots else nullcontext():
            # Within the slot: a call that finds none is not counted twice.
            if self._rate:
                self._rate.take(share)
            yield
