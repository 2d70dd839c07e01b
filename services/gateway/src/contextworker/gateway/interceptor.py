"""What surrounds every call: who makes it, its deadline, and a status for whatever it raises."""

from __future__ import annotations  # grpc's handlers are generic for type checkers only

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.message import DecodeError
from temporalio.service import RPCError

from contextcore import Violation, context_unit_pb2, worker_pb2
from contextworker.core.errors import TransientError, UnreadableError
from contextworker.core.tokens.refused import RefusedTokens
from contextworker.gateway.call_counts import AnyCall, CallCounts
from contextworker.gateway.call_log import note_call
from contextworker.gateway.call_spans import CallSpan, call_span
from contextworker.gateway.deadline import within
from contextworker.gateway.errors import (
    GatewayError,
    InvalidRequestError,
    ReplyTooLargeError,
    StoreUnavailableError,
    UnauthenticatedError,
    UnreadableRunError,
)
from contextworker.gateway.identity.authenticator import Authenticator
from contextworker.gateway.identity.caller import Caller, use_caller
from contextworker.gateway.identity.expiry import while_valid
from contextworker.gateway.limits.limiter import Limiter
from contextworker.gateway.refusals import Refusal, fault, refusal_of
from contextworker.gateway.settings import MAX_ENVELOPE_BYTES, MAX_REPLY_BYTES
from contextworker.gateway.temporal import ended_by

_log = logging.getLogger(__name__)
SERVICE = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"].full_name

MESSAGE_WITHIN_S = 60.0
"""How long a call's message may be on its way."""

Wire = context_unit_pb2.ContextUnit
Context = grpc.aio.ServicerContext[Any, Any]
Served = TypeVar("Served")


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Admits the calls of the WorkerService; health and reflection pass as they are."""

    def __init__(self, authenticator: Authenticator, limiter: Limiter) -> None:
        self._authenticator = authenticator
        self._limiter = limiter
        self._refused = RefusedTokens()
        self._counts = CallCounts()

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap a call of the service.

        Handlers take requests as if they came as a stream, of which they read one: so strangers are
        refused before theirs fills memory, and a call whose message never comes ends. (gRPC itself
        would wait for it without a word to anyone.)
        """
        handler = await continuation(handler_call_details)
        service, _, rpc = handler_call_details.method.removeprefix("/").partition("/")
        if handler is None or service != SERVICE:
            return handler
        try:
            caller = await self._authenticator.caller(rpc, handler_call_details.invocation_metadata)
        except Exception as error:  # noqa: BLE001 - the call ends with it, and is mapped
            return self._refusing(rpc, error)
        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._streaming(rpc, caller, handler.unary_stream),
                request_deserializer=_tolerant(handler.request_deserializer),
            )
        return grpc.stream_unary_rpc_method_handler(
            self._answering(rpc, caller, handler.unary_unary),
            request_deserializer=_tolerant(handler.request_deserializer),
        )

    def _refusing(self, rpc: str, error: Exception) -> grpc.RpcMethodHandler[Any, Any]:
        async def refuse(_: AsyncIterator[Any], context: Context) -> NoReturn:
            problem = error.problem if isinstance(error, UnauthenticatedError) else None
            if problem is not None:
                self._refused.tell(problem, rpc, context.peer())
            refusal = _refusal(rpc, error)
            self._counts.refused(rpc, refusal.code.name, problem=problem)
            await _abort(context, refusal)

        return grpc.stream_unary_rpc_method_handler(refuse)

    def _answering(self, rpc: str, caller: Caller, behaviour: Any) -> Any:
        async def call(_: AsyncIterator[Any], context: Context) -> bytes:
            async def answer(request: Wire) -> bytes:
                return _written(await behaviour(request, context))

            return await self._served(rpc, caller, context, answer)

        return call

    def _streaming(self, rpc: str, caller: Caller, behaviour: Any) -> Any:
        # It writes instead of yielding: a generator might be finalised in another context.
        async def call(_: AsyncIterator[Any], context: Context) -> None:
            async def write(request: Wire) -> None:
                async with while_valid(caller), aclosing(behaviour(request, context)) as replies:
                    async for reply in replies:
                        await context.write(_written(reply))

            await self._served(rpc, caller, context, write)

        return call

    # Not by context managers of its own: those of asyncio cost every call more than the work here.
    async def _served(
        self,
        rpc: str,
        caller: Caller,
        context: Context,
        serve: Callable[[Wire], Awaitable[Served]],
    ) -> Served:
        """Serve a call; whatever that raises ends it with a status."""
        call, span = self._counts.begin(rpc), call_span(rpc)
        try:
            served = await self._admitted(rpc, caller, context, serve, call=call, span=span)
            call.ends_with("OK")
            if span:
                span.ends_with(grpc.StatusCode.OK)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the call ends with it, and is mapped
            refusal = _refusal(rpc, error)
            call.ends_with(refusal.code.name)
            if span:
                span.ends_with(refusal.code, error)
        else:
            return served
        finally:
            call.end()
            if span:
                span.end()
        # Out here, or gRPC's own exception would keep the error, and with it request and answer, in
        # memory until garbage is looked for, which is seldom.
        return await _abort(context, refusal)

    async def _admitted(
        self,
        rpc: str,
        caller: Caller,
        context: Context,
        serve: Callable[[Wire], Awaitable[Served]],
        *,
        call: AnyCall,
        span: CallSpan | None,
    ) -> Served:
        """Serve a call within its deadline and its tenant's limits."""
        with within(context.time_remaining()):
            request = await _received(context)
            note_call(rpc, request, caller)
            call.belongs(request, caller)
            if span:
                span.begin(request, caller, context.invocation_metadata())
            with use_caller(caller), self._limiter.slot(rpc, request, caller):
                return await serve(request)


async def _received(context: Context) -> Wire:
    """Read a call's one message.

    Raises:
        InvalidRequestError: There is none, or it cannot be read.
    """
    try:
        async with asyncio.timeout(MESSAGE_WITHIN_S):
            received = await context.read()
    except TimeoutError:
        raise _bad_request(f"did not come within {MESSAGE_WITHIN_S:g} seconds") from None
    if isinstance(received, Wire):
        return received
    if isinstance(received, InvalidRequestError):
        raise received
    raise _bad_request("is missing: the call ended without a message")


def _tolerant(deserialize: Any) -> Any:
    """Read bytes that are no message as the refusal itself: gRPC would say UNKNOWN."""

    def read(data: bytes) -> Any:
        try:
            request = deserialize(data)
        except DecodeError as error:
            return _bad_request(f"cannot be read: {error}")
        # Whoever is within the limit with all of it need not be measured.
        return (len(data) > MAX_ENVELOPE_BYTES and _bulky(request)) or request

    return read


def _bulky(request: Wire) -> InvalidRequestError | None:
    size = request.ByteSize() - request.payload.ByteSize()
    if size <= MAX_ENVELOPE_BYTES:
        return None
    return _bad_request(
        f"holds {size:,} bytes besides its payload, of {MAX_ENVELOPE_BYTES:,} that it may: every "
        "reply carries them; shorten provenance, chain_of_thought or security"
    )


def _bad_request(problem: str) -> InvalidRequestError:
    return InvalidRequestError([Violation("request", problem)])


def _written(reply: Wire) -> bytes:
    data = reply.SerializeToString()
    if len(data) > MAX_REPLY_BYTES:
        raise ReplyTooLargeError(len(data), MAX_REPLY_BYTES)
    return data


def _refusal(rpc: str, error: Exception) -> Refusal:
    """Say how a call ends; what the gateway did not foresee is logged, and masked from callers."""
    if isinstance(error, GatewayError):
        return refusal_of(error)
    if isinstance(error, RPCError):
        return refusal_of(ended_by(error))
    if isinstance(error, UnreadableError):
        return refusal_of(UnreadableRunError(str(error)))
    if isinstance(error, TransientError):  # core's: of the object store
        _log.warning("%s: %s", rpc, error)
        return refusal_of(StoreUnavailableError())
    incident = uuid.uuid4().hex[:12]
    _log.error("%s failed; incident %s", rpc, incident, exc_info=error)
    return fault(incident)


async def _abort(context: Context, refusal: Refusal) -> NoReturn:
    await context.abort(refusal.code, refusal.message, refusal.trailing_metadata)
