"""The executable `codec-server`."""

import argparse
from collections.abc import Sequence

from contextworker.codec_server.program import run


def main(argv: Sequence[str] | None = None) -> None:
    """Run the codec server until a signal."""
    run(insecure=_parser().parse_args(argv).insecure)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="codec-server",
        description="Shows decrypted payloads to Temporal's UI and its command line.",
        epilog=(
            "Everything else is set in the environment: CONTEXTWORKER_ENCRYPTION_KEYS, "
            "CONTEXTWORKER_CODEC_…; docs/settings.md lists all of it."
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
