"""The pages that are written from the code are fresh."""

import subprocess
import sys

from running_system import ROOT


def test_the_table_of_settings_is_fresh() -> None:
    """A setting that is added or changed is in docs/settings.md."""
    check = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "settings.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (check.returncode, check.stderr)
