"""Calls to Temporal, held to the caller's deadline, with outages told apart from answers."""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from temporalio.api.enums.v1 import ResourceExhaustedCause
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure, ResourceExhaustedFailure
from temporalio.client import Client
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.service import OperatorService, RPCError, RPCStatusCode, WorkflowService

from contextworker.core.errors import UnreadableError
from contextworker.gateway.deadline import remaining_s
from contextworker.gateway.errors import (
    GatewayError,
    OutOfTimeError,
    TemporalBusyError,
    TemporalRefusedError,
    TemporalUnavailableError,
)

_log = logging.getLogger(__name__)
_SDK_FIRST_S = 0.1
# CANCELLED is how the SDK says that its own timeout ended the call.
_TIMEOUTS = {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED}
_OUTAGES = {
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.INTERNAL,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.ABORTED,
}
_NO_CAUSE = ResourceExhaustedCause.RESOURCE_EXHAUSTED_CAUSE_UNSPECIFIED
_ONE_RUN = ResourceExhaustedCause.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW
_REFUSALS = {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED}

UNREADABLE = (KeyError, RuntimeError, ValueError, UnreadableError)
"""What a converter raises for a value it cannot read, such as one whose key is missing here."""

Request_contra = TypeVar("Request_contra", contravariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)


class Method(Protocol[Request_contra, Answer_co]):
    """One RPC of Temporal's WorkflowService."""

    def __call__(
        self, req: Request_contra, *, timeout: timedelta | None = None
    ) -> Awaitable[Answer_co]:
        """Make the call once."""


class Temporal:
    """Temporal as the gateway's other parts see it."""

    def __init__(self, client: Client, *, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._connecting_failed_with = ""

    @property
    def namespace(self) -> str:
        """The namespace every call is about."""
        return self._client.namespace

    @property
    def service(self) -> WorkflowService:
        """The raw service: its methods are what `call` takes."""
        return self._client.workflow_service

    @property
    def operator(self) -> OperatorService:
        """The raw service of Temporal's operators; `call` takes its methods, too."""
        return self._client.operator_service

    @property
    def identity(self) -> str:
        """Who starts runs, as Temporal's UI shows it."""
        return self._client.identity

    def converter(self, workflow_id: str, *, inline: bool = False) -> DataConverter:
        """Return what encodes and decodes a run's values.

        Args:
            workflow_id: The run's.
            inline: Leave large values in Temporal, too: what it keeps longer than a run, as a
                schedule's, would outlive its object in the store.
        """
        converter = self._client.data_converter
        if inline and converter.external_storage is not None:
            converter = replace(converter, external_storage=None)
        return converter.with_context(
            WorkflowSerializationContext(namespace=self.namespace, workflow_id=workflow_id)
        )

    async def call(
        self, method: Method[Any, Answer_co], request: Any, *, at_most_s: float | None = None
    ) -> Answer_co:
        """Make one call, without retries: a caller hears of an outage while it can still act.

        Args:
            method: A method of `service`.
            request: Its request.
            at_most_s: A shorter limit than the configured one.

        Raises:
            RPCError: Temporal answered, and said no; see `translated`.
            TemporalUnavailableError: It does not answer, or does not let this gateway in.
            TemporalBusyError: It asks to slow down.
            OutOfTimeError: The caller's deadline passed.
        """
        limit_s = min(self._timeout_s, at_most_s or self._timeout_s)
        left_s = remaining_s()
        if left_s is not None and left_s <= 0:
            raise _out_of_time()
        timeout_s = limit_s if left_s is None else min(limit_s, left_s)
        try:
            # The SDK's timeout does not cover a lazy client's connecting.
            async with asyncio.timeout(timeout_s + _SDK_FIRST_S):
                return await method(request, timeout=timedelta(seconds=timeout_s))
        except TimeoutError as error:
            raise (_out_of_time() if timeout_s == left_s else _away()) from error
        except RPCError as error:
            if error.status in _TIMEOUTS and timeout_s == left_s:
                raise _out_of_time() from error
            raise translated(error) from error
        except RuntimeError as error:
            # What a lazy client raises while it cannot connect.
            if "client connect" not in str(error):
                raise
            if str(error) != self._connecting_failed_with:  # once, not at every call
                self._connecting_failed_with = str(error)
                _log.warning("Temporal cannot be reached: %s", error)
            raise _away() from error


def translated(error: RPCError) -> RPCError | GatewayError:
    """Tell an outage from an answer: what Temporal said no to stays an RPCError."""
    if error.status in _TIMEOUTS or error.status in _OUTAGES:
        if error.status is not RPCStatusCode.UNAVAILABLE:
            _log.warning("Temporal answered %s: %s", error.status.name, error.message)
        return _away()
    if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
        return TemporalBusyError(
            f"Temporal asks to slow down; try again ({error.message})",
            with_one_run=_cause(error) == _ONE_RUN,
        )
    if error.status in _REFUSALS:
        _log.error("Temporal refuses this gateway: %s", error.message)
        return TemporalUnavailableError(
            "Temporal refuses the gateway's credentials; its operator has to renew them"
        )
    missing = NamespaceNotFoundFailure()
    if any(item.Unpack(missing) for item in error.grpc_status.details):
        _log.error("Temporal has no namespace %r", missing.namespace)
        return TemporalUnavailableError(
            f"Temporal has no namespace {missing.namespace!r}; the operator has to create it, "
            "or to set TEMPORAL_NAMESPACE"
        )
    return error


def ended_by(error: RPCError) -> GatewayError:
    """Make the end of a call out of an answer that nothing on the way knew what to do with."""
    known = translated(error)
    if isinstance(known, GatewayError):
        return known
    _log.warning("Temporal answered %s: %s", error.status.name, error.message)
    return TemporalRefusedError(error.status.name, error.message)


def _cause(error: RPCError) -> ResourceExhaustedCause.ValueType:
    exhausted = ResourceExhaustedFailure()
    found = any(detail.Unpack(exhausted) for detail in error.grpc_status.details)
    return exhausted.cause if found else _NO_CAUSE


def _away() -> TemporalUnavailableError:
    return TemporalUnavailableError(
        "Temporal does not answer; nothing was lost, try again in a moment"
    )


def _out_of_time() -> OutOfTimeError:
    return OutOfTimeError("the call's deadline passed before Temporal answered; allow more time")
