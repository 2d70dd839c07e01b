"""Starts and stops the server: a socket, HTTP, TLS where it is set, health beside it."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette

from contextworker.codec_server.exposure import tell_exposure
from contextworker.codec_server.protocol import PromptProtocol
from contextworker.codec_server.settings import CodecServerSettings
from contextworker.codec_server.tls import ReloadingTls
from contextworker.core.errors import ConfigurationError
from contextworker.core.health import Health, health_port

_log = logging.getLogger(__name__)
_MAX_CONNECTIONS = 512
_KEEP_ALIVE_S = 15
_MAX_HEADER_BYTES = 32 * 1024


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process, which has its own way with them."""
        yield


@asynccontextmanager
async def listening(app: Starlette, settings: CodecServerSettings) -> AsyncIterator[int]:
    """Serve while the block runs, then let running requests finish in time; yields the port.

    Raises:
        ConfigurationError: The address cannot be listened on, or certificates not be used.
    """
    tls = ReloadingTls(settings.tls_files) if settings.tls_files else None
    health = Health()
    with _socket(settings) as bound:
        async with health_port(
            settings.health_address, health, setting="CONTEXTWORKER_HEALTH_ADDRESS"
        ):
            server = _Server(_config(app, settings, tls))
            running = asyncio.create_task(server.serve(sockets=[bound]))
            beside = asyncio.create_task(tls.run()) if tls else None
            port = int(bound.getsockname()[1])
            scheme = "https" if tls else "http"
            _log.info("codec server listening on %s://%s:%d", scheme, _host(settings), port)
            tell_exposure(settings)
            await health.serving()
            try:
                yield port
            finally:
                await health.leave()
                server.should_exit = True
                await asyncio.wait([running])
                if beside is not None:
                    beside.cancel()
                    await asyncio.wait([beside])
                _log.info("codec server stopped")


def _config(
    app: Starlette, settings: CodecServerSettings, tls: ReloadingTls | None
) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=PromptProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(settings.codec_shutdown_grace_s)),
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
    )
    config.load()
    config.ssl = tls.context if tls else None
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # it would tell what we tell
    return config


@contextmanager
def _socket(settings: CodecServerSettings) -> Iterator[socket.socket]:
    host, port = settings.codec_host, settings.codec_port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"the codec server cannot listen on {_host(settings)}:{port}: {error.strerror}; set "
            "CONTEXTWORKER_CODEC_PORT to another port, or to 0 for any"
        ) from error
    with bound:
        yield bound


def _host(settings: CodecServerSettings) -> str:
    return f"[{settings.codec_host}]" if ":" in settings.codec_host else settings.codec_host
