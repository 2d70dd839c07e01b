"""Many runs, some of whose activities fail: a short soak, for its outcome and not its figures."""

import subprocess
import sys

import pytest
from running_system import ROOT


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_run_of_a_soak_completes() -> None:
    """As many attempts as the seed says, and the tables that the whole one prints."""
    command = [sys.executable, str(ROOT / "benchmarks/soak.py"), "--runs=500", "--one-in=50"]

    soak = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (0, "500 of 500 workflows completed") == (
        soak.returncode,
        soak.stdout.partition(",")[0],
    ), soak.stderr
    for name in ("gateway", "worker 1", "worker 2", "a run, from call to result"):
        assert f"\n| {name} | " in soak.stdout
