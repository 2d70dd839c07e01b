"""Programs that tests run, and that come with no package of Python's."""

import os
import shutil

import pytest


def needed(program: str) -> str:
    """Return the path of a program, which Debian has in a package of that name.

    Without it the test is skipped, or fails where CONTEXTWORKER_REQUIRE_TOOLS is set.
    """
    if found := shutil.which(program):
        return found
    missing = f"there is no {program}: .ci/ensure-packages {program}"
    if os.environ.get("CONTEXTWORKER_REQUIRE_TOOLS"):
        pytest.fail(missing)
    pytest.skip(missing)
