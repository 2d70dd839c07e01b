"""The `gateway` program: settings, a client, the server."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import partial

from contextworker.core.connection import connect
from contextworker.core.metrics import metrics_runtime
from contextworker.core.process import run_process
from contextworker.gateway.server import serve
from contextworker.gateway.settings import GatewaySettings


def main(argv: Sequence[str] | None = None) -> None:
    """Run the gateway until a signal."""
    options = _parser().parse_args(argv)
    run_process(partial(_run, options.insecure), loop_factory=_fast_loop())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gateway",
        description="The gRPC WorkerService: takes ContextUnits and starts runs in Temporal.",
        epilog=(
            "Everything else is set in the environment: WORKER_PORT, TEMPORAL_ADDRESS, "
            "CONTEXTWORKER_GATEWAY_…; docs/settings.md lists all of it."
        ),
        allow_abbrev=False,
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="bind beyond loopback although callers are not authenticated",
    )
    return parser


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop, which takes a sixth off what a call costs; it is not made for Windows."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not installed everywhere

    return uvloop.new_event_loop


async def _run(insecure: bool, stop: asyncio.Event) -> None:  # noqa: FBT001 - run_process fills in the rest
    settings = GatewaySettings(gateway_insecure=True) if insecure else GatewaySettings()
    runtime = metrics_runtime(settings.metrics_address)
    await serve(await connect(lazy=True, runtime=runtime), settings, stop)


if __name__ == "__main__":
    main()
