"""Makes calls over gRPC's sync channel: no event loop, any number of threads."""

import copy
import os
import threading
from collections.abc import Callable, Generator
from typing import Any, Self, TypeVar

import grpc
import stamina

from contextcore import worker_pb2_grpc
from contextworker.core.client.endpoint import Endpoint
from contextworker.core.client.errors import ClientError
from contextworker.core.client.failures import read_failure
from contextworker.core.client.requests import Call
from contextworker.core.client.retrying import Backoff, Budget
from contextworker.core.client.setup import (
    Metadata,
    Setup,
    authorization,
    closed,
    forked,
)
from contextworker.core.client.tracing import traced

T = TypeVar("T")
Token = str | Callable[[], str]


class Transport:
    """A connection to one gateway, made when it is first needed, and what each call carries."""

    def __init__(self, setup: Setup, token: Token | None) -> None:
        self._setup = setup
        self._token = token
        self._besides: Metadata = ()
        self._connection = _Connection(setup.endpoint)

    def carrying(self, metadata: Metadata) -> Self:
        """Return one with the same connection, whose calls carry this metadata too."""
        view = copy.copy(self)
        view._besides = metadata  # noqa: SLF001 - its own
        return view

    def call(self, call: Call[T], timeout: float | None = None) -> T:
        """Make a call, again where that may help, within its time."""
        budget = self._setup.budget(timeout)
        backoff = Backoff(budget, self._setup.attempts)
        with traced(call, self._setup.endpoint.address) as carried:
            for attempt in stamina.retry_context(on=backoff, attempts=None, timeout=None):
                with attempt:
                    try:
                        return self._attempt(call, budget, carried)
                    except ClientError as error:
                        return call.reply_despite(error, repeated=backoff.failures > 0)
        raise AssertionError("unreachable: attempts are unlimited")

    def stream(self, call: Call[T], timeout: float) -> Generator[T]:
        """Make a call that is answered again and again; once."""
        method = getattr(self._connection.stub(), call.rpc)
        with traced(call, self._setup.endpoint.address) as carried:
            try:
                metadata = (*self._metadata(), *carried)
                stream = method(call.message, timeout=timeout, metadata=metadata)
                try:
                    for reply in stream:
                        yield call.read(reply)
                finally:
                    stream.cancel()
            except (grpc.RpcError, ValueError) as error:
                raise self._failure(error) from error

    def close(self) -> None:
        """Close the connection; calls that other threads wait for end with ClosedError."""
        self._connection.close()

    def _attempt(self, call: Call[T], budget: Budget, carried: Metadata) -> T:
        method = getattr(self._connection.stub(), call.rpc)
        metadata = (*self._metadata(), *carried)
        timeout = budget.within(self._setup.attempt_s(call))
        try:
            reply = method(call.message, timeout=timeout, metadata=metadata)
        except (grpc.RpcError, ValueError) as error:
            raise self._failure(error) from error
        return call.read(reply)

    def _failure(self, error: Exception) -> Exception:
        if self._connection.closed:
            return closed(self._setup.endpoint.address)
        if isinstance(error, grpc.RpcError):
            return read_failure(error, self._setup.endpoint.address)
        return error

    def _metadata(self) -> Metadata:
        if self._token is None:
            return self._besides
        bearer = authorization(self._token if isinstance(self._token, str) else self._token())
        return (*bearer, *self._besides)


class _Connection:
    def __init__(self, endpoint: Endpoint) -> None:
        self.closed = False
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._pid = 0

    def close(self) -> None:
        with self._lock:
            self.closed = True
            if self._channel is not None and self._pid == os.getpid():
                self._channel.close()

    def stub(self) -> Any:
        endpoint = self._endpoint
        if self._pid not in (0, os.getpid()):  # before the lock: a fork may have copied it locked
            raise forked(endpoint.address)
        with self._lock:
            if self.closed:
                raise closed(endpoint.address)
            if self._channel is None:
                self._channel = (
                    grpc.insecure_channel(endpoint.address, options=endpoint.options)
                    if endpoint.credentials is None
                    else grpc.secure_channel(
                        endpoint.address, endpoint.credentials, options=endpoint.options
                    )
                )
                self._pid = os.getpid()
                self._service = worker_pb2_grpc.WorkerServiceStub(self._channel)
            return self._service
