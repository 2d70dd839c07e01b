"""The application: what is asked of Temporal's codec servers, and who may ask."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload

from contextworker.codec_server.answering import PayloadsAnswer
from contextworker.codec_server.authenticator import Authenticator
from contextworker.codec_server.body import read_payloads
from contextworker.codec_server.opening import ClosedError, Opener
from contextworker.codec_server.readers import Reader
from contextworker.codec_server.refusals import RefusedError, UnauthenticatedError, answer
from contextworker.codec_server.settings import ORIGINS, CodecServerSettings
from contextworker.codec_server.stored import is_reference
from contextworker.core.metrics.codec_server import REFUSED_TOKENS, REQUESTS, Answered, RefusedToken
from contextworker.core.tokens.refused import RefusedTokens

_log = logging.getLogger(__name__)
# What Temporal's UI sends.
_HEADERS = ("authorization", "authorization-extras", "content-type", "x-namespace")
_Handler = Callable[[Request, Reader], Awaitable[Response]]


def application(
    opener: Opener, authenticator: Authenticator, settings: CodecServerSettings
) -> Starlette:
    """Put the application together."""
    return Application(opener, authenticator, settings).app


class Application:
    """Answers requests, within the limits of the settings."""

    def __init__(
        self, opener: Opener, authenticator: Authenticator, settings: CodecServerSettings
    ) -> None:
        self._opener = opener
        self._authenticator = authenticator
        self._settings = settings
        self._refused = RefusedTokens()
        self._turns = asyncio.Semaphore(settings.codec_max_requests)

    @property
    def app(self) -> Starlette:
        """The ASGI application."""
        cors = Middleware(
            CORSMiddleware,
            allow_origins=self._settings.codec_cors_origins,
            allow_methods=["POST"],
            allow_headers=_HEADERS,
            # A UI that is somewhere on the internet may ask one on a person's own machine.
            allow_private_network=True,
            max_age=600,
        )
        return Starlette(
            routes=[
                *self._routes("decode", self._decode),
                *self._routes("download", self._download),
                *self._routes("encode", _encode),
                Route("/health", _health, methods=["GET"]),
            ],
            middleware=[cors],
            exception_handlers={RefusedError: _refuse, HTTPException: _unknown},
        )

    def _routes(self, operation: str, handler: _Handler) -> list[Route]:
        # The command line may put the namespace before it.
        paths = (f"/{operation}", f"/{{namespace}}/{operation}")
        counted = _counted(operation, self._guarded(handler))
        return [Route(path, counted, methods=["POST"]) for path in paths]

    def _guarded(self, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            self._check_origin(request)
            try:
                async with asyncio.timeout(self._settings.codec_request_timeout_s):
                    return await handler(request, await self._reader(request))
            except TimeoutError:
                raise RefusedError(
                    503,
                    "the request was not done within "
                    f"{self._settings.codec_request_timeout_s:g} s; try again in a moment",
                    headers={"Retry-After": "1", "Connection": "close"},
                ) from None
            except RefusedError:
                raise
            except Exception as error:  # noqa: BLE001 - uvicorn would log it with what it quotes
                return _fault(request, error)

        return guarded

    async def _decode(self, request: Request, reader: Reader) -> Response:
        # The UI asks so: a page shows references, and a person fetches what they want to see.
        fetch = request.query_params.get("preserveStorageRefs", "").lower() != "true"
        async with self._turns:
            payloads = await self._payloads(request)
            return self._answer(await self._opener.open(payloads, reader, fetch=fetch))

    async def _download(self, request: Request, reader: Reader) -> Response:
        async with self._turns:
            payloads = await self._payloads(request)
            if len(payloads) != 1 or not is_reference(payloads[0]):
                raise RefusedError(400, "what is to be downloaded must be one storage reference")
            try:
                return self._answer([await self._opener.open_one(payloads[0], reader)])
            except ClosedError as closed:
                raise RefusedError(404, f"the payload cannot be downloaded: {closed}") from None

    def _answer(self, payloads: list[Payload]) -> Response:
        return PayloadsAnswer(payloads, within_s=self._settings.codec_request_timeout_s)

    async def _payloads(self, request: Request) -> list[Payload]:
        return await read_payloads(request, max_bytes=self._settings.codec_max_request_bytes)

    async def _reader(self, request: Request) -> Reader:
        try:
            return await self._authenticator.reader(request.headers.getlist("authorization"))
        except UnauthenticatedError as error:
            REFUSED_TOKENS.add(1, RefusedToken(error.problem))
            called = request.url.path.rpartition("/")[2]
            peer = request.client.host if request.client else "nowhere"
            self._refused.tell(error.problem, called, peer)
            raise

    def _check_origin(self, request: Request) -> None:
        # A browser would not show it the answer anyway; and where callers are not authenticated, a
        # website whose name was made to lead here is one origin with this server for the browser.
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._settings.codec_cors_origins:
            raise RefusedError(
                403,
                f"the website {origin[:200]!r} may not ask here; where it is your Temporal UI, add "
                f"it to {ORIGINS}",
            )


def _counted(
    operation: str, handler: Callable[[Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def counted(request: Request) -> Response:
        status = 500
        try:
            response = await handler(request)
        except RefusedError as refused:
            status = refused.status
            raise
        else:
            status = response.status_code
            return response
        finally:
            REQUESTS.add(1, Answered(operation, str(status)))

    return counted


async def _encode(request: Request, reader: Reader) -> Response:  # noqa: ARG001 - for whoever asks
    raise RefusedError(
        405,
        "this codec server only decrypts: which key encrypts depends on the run, which is not "
        "said here; start and steer runs through the gateway",
        headers={"Allow": "OPTIONS"},
    )


async def _health(request: Request) -> Response:  # noqa: ARG001 - the same for everybody
    return JSONResponse({"status": "serving"})


async def _refuse(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the signature
    assert isinstance(error, RefusedError)
    return answer(error)


async def _unknown(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the signature
    assert isinstance(error, HTTPException)
    said = "this codec server answers POST /decode, POST /download and GET /health"
    return JSONResponse({"error": said}, error.status_code, headers=error.headers)


def _fault(request: Request, error: Exception) -> Response:
    # Without its words and values: they may be of payloads.
    at = traceback.extract_tb(error.__traceback__)[-1]
    _log.error(
        "%s failed: %s at %s:%s", request.url.path, type(error).__name__, at.filename, at.lineno
    )
    return JSONResponse({"error": "the codec server failed; its log says where"}, 500)
