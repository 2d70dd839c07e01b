"""Makes calls over gRPC's asyncio channel."""

# ruff: noqa: ASYNC109 - the timeouts are deadlines of gRPC calls

import asyncio
import copy
import inspect
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Self, TypeVar

import stamina
from grpc import aio

from contextcore import worker_pb2_grpc
from contextworker.core.client.endpoint import Endpoint
from contextworker.core.client.errors import ClientError, ClosedError
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
AsyncToken = str | Callable[[], str | Awaitable[str]]


class AsyncTransport:
    """A connection to one gateway, made when it is first needed, and what each call carries."""

    def __init__(self, setup: Setup, token: AsyncToken | None) -> None:
        self._setup = setup
        self._token = token
        self._besides: Metadata = ()
        self._connection = _Connection(setup.endpoint)

    def carrying(self, metadata: Metadata) -> Self:
        """Return one with the same connection, whose calls carry this metadata too."""
        view = copy.copy(self)
        view._besides = metadata  # noqa: SLF001 - its own
        return view

    async def call(self, call: Call[T], timeout: float | None = None) -> T:
        """Make a call, again where that may help, within its time."""
        budget = self._setup.budget(timeout)
        backoff = Backoff(budget, self._setup.attempts)
        with traced(call, self._setup.endpoint.address) as carried:
            async for attempt in stamina.retry_context(on=backoff, attempts=None, timeout=None):
                with attempt:
                    try:
                        return await self._attempt(call, budget, carried)
                    except ClientError as error:
                        return call.reply_despite(error, repeated=backoff.failures > 0)
        raise AssertionError("unreachable: attempts are unlimited")

    async def stream(self, call: Call[T], timeout: float) -> AsyncGenerator[T]:
        """Make a call that is answered again and again; once."""
        method = getattr(self._connection.stub(), call.rpc)
        with traced(call, self._setup.endpoint.address) as carried:
            metadata = (*await self._metadata(), *carried)
            try:
                stream = method(call.message, timeout=timeout, metadata=metadata)
                try:
                    async for reply in stream:
                        yield call.read(reply)
                finally:
                    stream.cancel()
            except (aio.AioRpcError, aio.UsageError) as error:
                raise self._failure(error) from error
            except asyncio.CancelledError:
                if self._connection.ended_by_close():
                    raise closed(self._setup.endpoint.address) from None
                raise

    async def close(self) -> None:
        """Close the connection; calls that other tasks wait for end with ClosedError."""
        await self._connection.close()

    async def _attempt(self, call: Call[T], budget: Budget, carried: Metadata) -> T:
        method = getattr(self._connection.stub(), call.rpc)
        metadata = (*await self._metadata(), *carried)
        timeout = budget.within(self._setup.attempt_s(call))
        try:
            reply = await method(call.message, timeout=timeout, metadata=metadata)
        except (aio.AioRpcError, aio.UsageError) as error:
            raise self._failure(error) from error
        except asyncio.CancelledError:
            if self._connection.ended_by_close():
                raise closed(self._setup.endpoint.address) from None
            raise
        return call.read(reply)

    def _failure(self, error: Exception) -> Exception:
        if self._connection.closed:
            return closed(self._setup.endpoint.address)
        if isinstance(error, aio.AioRpcError):
            return read_failure(error, self._setup.endpoint.address)
        return error

    async def _metadata(self) -> Metadata:
        if self._token is None:
            return self._besides
        token = self._token if isinstance(self._token, str) else self._token()
        bearer = authorization(await token if inspect.isawaitable(token) else token)
        return (*bearer, *self._besides)


class _Connection:
    def __init__(self, endpoint: Endpoint) -> None:
        self.closed = False
        self._endpoint = endpoint
        self._channel: aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    async def close(self) -> None:
        self.closed = True
        if self._channel is not None and self._pid == os.getpid():
            await self._channel.close()

    def ended_by_close(self) -> bool:
        """Tell a call that `close` ended, which gRPC cancels, from a cancelled task."""
        task = asyncio.current_task()
        return self.closed and not (task and task.cancelling())

    def stub(self) -> Any:
        endpoint, loop = self._endpoint, asyncio.get_running_loop()
        if self._pid not in (0, os.getpid()):
            raise forked(endpoint.address)
        if self.closed:
            raise closed(endpoint.address)
        if self._channel is None:
            self._channel = (
                aio.insecure_channel(endpoint.address, options=endpoint.options)
                if endpoint.credentials is None
                else aio.secure_channel(
                    endpoint.address, endpoint.credentials, options=endpoint.options
                )
            )
            self._pid, self._loop = os.getpid(), loop
            self._service = worker_pb2_grpc.WorkerServiceStub(self._channel)
        if self._loop is not loop:
            raise ClosedError(
                f"this client of {endpoint.address} belongs to another event loop; make one in "
                "each, or use WorkerClient"
            )
        return self._service
