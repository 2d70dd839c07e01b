"""The program, put together: settings, a client, the server, a fast event loop."""

import asyncio
import sys
from collections.abc import Callable

from contextworker.core.connection import connect
from contextworker.core.metrics import metrics_runtime
from contextworker.core.process import run_process
from contextworker.gateway.server import serve
from contextworker.gateway.settings import GatewaySettings


def run(*, insecure: bool) -> None:
    """Run the gateway until a signal; `insecure` is as the setting of that name."""

    async def until(stop: asyncio.Event) -> None:
        settings = GatewaySettings(gateway_insecure=True) if insecure else GatewaySettings()
        runtime = metrics_runtime(settings.metrics_address)
        await serve(await connect(lazy=True, runtime=runtime), settings, stop)

    run_process(until, loop_factory=_fast_loop())


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop, which takes a sixth off what a call costs; it is not made for Windows."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not installed everywhere

    return uvloop.new_event_loop
