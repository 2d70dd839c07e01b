"""The executable `gateway`."""

import argparse
import os
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run the gateway until a signal."""
    options = _parser().parse_args(argv)
    # gRPC's C core would write a line about every connection it dislikes: strangers could fill the
    # log. It looks at this when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    from contextworker.gateway.program import run  # noqa: PLC0415 - see above

    run(insecure=options.insecure)


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


if __name__ == "__main__":
    main()
