"""The `gateway` program: settings, a client, the server."""

import argparse
import asyncio
from collections.abc import Sequence
from functools import partial

from contextworker.core.connection import connect
from contextworker.core.metrics import metrics_runtime
from contextworker.core.process import run_process
from contextworker.gateway.server import serve
from contextworker.gateway.settings import GatewaySettings


def main(argv: Sequence[str] | None = None) -> None:
    """Run the gateway until a signal."""
    options = _parser().parse_args(argv)
    run_process(partial(_run, options.insecure))


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


async def _run(insecure: bool, stop: asyncio.Event) -> None:  # noqa: FBT001 - run_process fills in the rest
    settings = GatewaySettings(gateway_insecure=True) if insecure else GatewaySettings()
    runtime = metrics_runtime(settings.metrics_address)
    await serve(await connect(lazy=True, runtime=runtime), settings, stop)


if __name__ == "__main__":
    main()
