"""`python -m contextworker`: the gateway, or with --temporal a worker, or any command.

The gateway and worker modes are what deployments run, so they load nothing of the command line.
"""

import argparse
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run the mode that the arguments name."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] == "--insecure":
        _gateway(arguments)
    elif "--temporal" in arguments or arguments[0] == "--modules":
        _worker(arguments)
    else:
        from contextworker.cli.__main__ import main as command_line  # noqa: PLC0415 - one mode only

        command_line()


def _gateway(arguments: Sequence[str]) -> None:
    from contextworker.gateway.__main__ import main as gateway  # noqa: PLC0415 - one mode only

    gateway(arguments)


def _worker(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m contextworker",
        description="Without arguments: the gRPC WorkerService. With --temporal: a worker.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--temporal", action="store_true", required=True, help="poll Temporal and run workflows"
    )
    parser.add_argument(
        "--modules",
        nargs="+",
        default=[],
        metavar="NAME",
        help="the modules to run; every installed one where this is not given",
    )
    options = parser.parse_args(arguments)

    from contextworker.core.errors import ConfigurationError  # noqa: PLC0415 - after --help
    from contextworker.core.process import run_module_workers  # noqa: PLC0415 - after --help
    from contextworker.core.registry import WorkerRegistry  # noqa: PLC0415 - after --help

    try:
        modules = WorkerRegistry.discover().select(options.modules)
    except ConfigurationError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    run_module_workers(modules)


if __name__ == "__main__":
    main()
