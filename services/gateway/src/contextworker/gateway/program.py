"""The program, put together: settings, a client, the server, a fast event loop."""

import asyncio
import gc
import sys
from collections.abc import Callable

from contextworker.core.connection import connect
from contextworker.core.metrics import metrics_runtime
from contextworker.core.process import run_process
from contextworker.gateway.server import serve
from contextworker.gateway.settings import GatewaySettings

_GARBAGE_AFTER = 50_000


def run(*, insecure: bool) -> None:
    """Run the gateway until a signal; `insecure` is as the setting of that name."""

    async def until(stop: asyncio.Event) -> None:
        settings = GatewaySettings(gateway_insecure=True) if insecure else GatewaySettings()
        runtime = metrics_runtime(settings.metrics_address)
        _collect_seldom()
        await serve(await connect(lazy=True, runtime=runtime), settings, stop)

    run_process(until, loop_factory=_fast_loop())


def _collect_seldom() -> None:
    """Look for garbage in cycles less often: of a call, little is, and looking took a fifteenth."""
    gc.freeze()  # what was imported stays anyway
    gc.set_threshold(_GARBAGE_AFTER)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop, which takes a sixth off what a call costs; it is not made for Windows."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not installed everywhere

    return uvloop.new_event_loop
