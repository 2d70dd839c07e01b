"""The one place where an exception becomes a gRPC status."""

from __future__ import annotations  # grpc's handlers are generic for type checkers only

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError

from contextcore import Violation
from contextworker.gateway.deadline import within
from contextworker.gateway.errors import GatewayError, InvalidRequestError
from contextworker.gateway.refusals import Refusal, fault, refusal_of

_log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]


class StatusInterceptor(grpc.aio.ServerInterceptor):
    """Sets the call's deadline, and maps what it raises to a status with details."""

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap a call with one answer; health and reflection streams pass as they are."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        return grpc.unary_unary_rpc_method_handler(
            _mapped(handler.unary_unary, handler_call_details.method),
            request_deserializer=_tolerant(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )


def _tolerant(deserialize: Any) -> Any:
    """Read bytes that are no message as the refusal itself: gRPC would say UNKNOWN."""

    def read(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError as error:
            return InvalidRequestError([Violation("request", f"cannot be read: {error}")])

    return read


def _mapped(behaviour: Any, method: str) -> Any:
    async def call(request: Any, context: Context) -> Any:
        if isinstance(request, InvalidRequestError):
            await _abort(context, refusal_of(request))
        try:
            with within(context.time_remaining()):
                return await behaviour(request, context)
        except grpc.aio.AbortError:
            raise
        except GatewayError as error:
            await _abort(context, refusal_of(error))
        except Exception:  # noqa: BLE001 - logged in full, and masked from the caller
            incident = uuid.uuid4().hex[:12]
            _log.exception("%s failed; incident %s", method, incident)
            await _abort(context, fault(incident))

    return call


async def _abort(context: Context, refusal: Refusal) -> NoReturn:
    await context.abort(refusal.code, refusal.message, refusal.trailing_metadata)
