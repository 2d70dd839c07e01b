"""The program, put together: settings, keys, the application, the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contextworker.codec_server.application import application
from contextworker.codec_server.authenticator import authentication
from contextworker.codec_server.opening import Opener
from contextworker.codec_server.server import listening
from contextworker.codec_server.settings import CodecServerSettings
from contextworker.core.metrics import metrics_runtime
from contextworker.core.process import run_process


@asynccontextmanager
async def codec_server(settings: CodecServerSettings) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port.

    Raises:
        ConfigurationError: A key, a certificate or the address cannot be used.
    """
    opener = Opener.of(settings)
    async with (
        authentication(settings) as authenticator,
        listening(application(opener, authenticator, settings), settings) as port,
    ):
        yield port


def run(*, insecure: bool) -> None:
    """Run the codec server until a signal; `insecure` is as the setting of that name."""

    async def until(stop: asyncio.Event) -> None:
        settings = CodecServerSettings(codec_insecure=True) if insecure else CodecServerSettings()
        _metrics = metrics_runtime(settings)  # held, for it serves them as long as it lives
        async with codec_server(settings):
            await stop.wait()

    run_process(until)
