"""The program, put together: settings, a client, the server, a fast event loop."""

import asyncio
import gc
import sys
from collections.abc import Callable
from importlib.metadata import version

from contextworker.core.metrics import metrics_runtime
from contextworker.core.process import run_process
from contextworker.core.process_client import connect_process
from contextworker.core.tracing.exporting import exporting
from contextworker.gateway.server import serve
from contextworker.gateway.settings import GatewaySettings

_DISTRIBUTION = "contextworker-gateway"
_GARBAGE_AFTER = 50_000


def run(*, insecure: bool) -> None:
    """Run the gateway until a signal; `insecure` is as the setting of that name."""

    async def until(stop: asyncio.Event) -> None:
        settings = GatewaySettings(gateway_insecure=True) if insecure else GatewaySettings()
        runtime = metrics_runtime(settings)
        _collect_seldom()
        with exporting(_DISTRIBUTION, version(_DISTRIBUTION)):
            client = await connect_process(settings, runtime=runtime, lazy=True)
            await serve(client, settings, stop)

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
