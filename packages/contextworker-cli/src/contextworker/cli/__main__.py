"""The executable `contextworker`."""

import gc
import logging
import os
import signal
import sys


def main() -> None:
    """Run the command line in sys.argv."""
    # gRPC's C core writes to the terminal by itself, about every connection it loses.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    # A call that is made again is no news: what it comes to is said.
    logging.getLogger("stamina").setLevel(logging.ERROR)
    try:
        from contextworker.cli.app import run_command  # noqa: PLC0415 - Ctrl-C works during imports

        code = run_command(sys.argv[1:])
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    # What is left is tidying up: a second Ctrl-C must neither break it off nor show where it was.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Temporal's native runtime can crash an interpreter that exits with its objects still alive.
    gc.collect()
    sys.exit(code)


if __name__ == "__main__":
    main()
