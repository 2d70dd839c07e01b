"""What pytest knows of the chaos tests: their options, which only the root's plugins may add."""

import shutil
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
MINUTES, SEED, REPORT = "--chaos-minutes", "--chaos-seed", "--chaos-report"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add how long, which schedule, and where to write what came of it."""
    group = parser.getgroup("chaos")
    group.addoption(
        MINUTES,
        type=float,
        default=2.0,
        metavar="M",
        help="begin rounds of faults for so many minutes (with -m slow and -n 0; default: 2)",
    )
    group.addoption(
        SEED,
        type=int,
        default=1,
        metavar="N",
        help="the first round's seed; each further round takes the next number (default: 1)",
    )
    group.addoption(
        REPORT,
        default=None,
        metavar="FILE",
        help="write the rounds' report there as Markdown, after each round",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what starts processes where they might outlive this one."""
    starts = "tmp_path" in getattr(item, "fixturenames", ())
    if _HERE in item.path.parents and starts and shutil.which("setpriv") is None:
        pytest.skip("no setpriv (Debian: util-linux), which ends processes with their test")
