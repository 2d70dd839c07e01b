"""The one place where an exception becomes a gRPC status."""

from __future__ import annotations  # grpc's handlers are generic for type checkers only

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped] # ships no py.typed
    BadRequest,
    ErrorInfo,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # ships no py.typed

from contextworker.gateway.deadline import within
from contextworker.gateway.errors import GatewayError

DOMAIN = "contextworker"
_DETAILS_KEY = "grpc-status-details-bin"
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
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def _mapped(behaviour: Any, method: str) -> Any:
    async def call(request: Any, context: Context) -> Any:
        try:
            with within(context.time_remaining()):
                return await behaviour(request, context)
        except grpc.aio.AbortError:
            raise
        except GatewayError as error:
            await _abort(context, error)
        except Exception:  # noqa: BLE001 - logged in full, and masked from the caller
            incident = uuid.uuid4().hex[:12]
            _log.exception("%s failed; incident %s", method, incident)
            await _refuse(
                context,
                grpc.StatusCode.INTERNAL,
                f"the gateway failed unexpectedly; its log has the reason under {incident}",
                [ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"incident": incident})],
            )

    return call


async def _abort(context: Context, error: GatewayError) -> NoReturn:
    details: list[Message] = [
        ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=dict(error.metadata))
    ]
    if error.violations:
        details.append(
            BadRequest(
                field_violations=[
                    BadRequest.FieldViolation(field=item.field, description=item.description)
                    for item in error.violations
                ]
            )
        )
    if error.retry_after_s is not None:
        delay = Duration()
        delay.FromMilliseconds(int(error.retry_after_s * 1000))
        details.append(RetryInfo(retry_delay=delay))
    await _refuse(context, error.code, str(error), details)


async def _refuse(
    context: Context, code: grpc.StatusCode, message: str, details: list[Message]
) -> NoReturn:
    number: int = code.value[0]
    status = Status(code=number, message=message)
    for detail in details:
        status.details.add().Pack(detail)
    await context.abort(code, message, ((_DETAILS_KEY, status.SerializeToString()),))
