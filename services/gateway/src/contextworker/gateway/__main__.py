"""The `gateway` program: settings, a client, the server."""

import asyncio

from contextworker.core.connection import connect
from contextworker.core.metrics import metrics_runtime
from contextworker.core.process import run_process
from contextworker.gateway.server import serve
from contextworker.gateway.settings import GatewaySettings


def main() -> None:
    """Run the gateway until a signal."""
    run_process(_run)


async def _run(stop: asyncio.Event) -> None:
    settings = GatewaySettings()
    runtime = metrics_runtime(settings.metrics_address)
    await serve(await connect(lazy=True, runtime=runtime), settings, stop)


if __name__ == "__main__":
    main()
