"""The pages that are written from the code are fresh."""

import subprocess
import sys

import pytest
from running_system import ROOT


@pytest.mark.parametrize("page", ["metrics", "settings"])
def test_tables_are_fresh(page: str) -> None:
    """A setting or metric that is added or changed is in the page that lists them."""
    check = subprocess.run(
        [sys.executable, str(ROOT / "docs" / f"{page}.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (check.returncode, check.stderr)
