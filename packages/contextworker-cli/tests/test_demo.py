"""`contextworker demo` from its start to its end, and interrupted on the way."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
Spawn = Callable[..., Any]
# A stack is five processes, each of which takes seconds to start where others work, too.
pytestmark = pytest.mark.timeout(300)


def test_the_demo_shows_enriched_products_and_leaves_nothing(spawn: Spawn, tmp_path: Path) -> None:
    """One command harvests a real feed through the real stack, and cleans up after itself."""
    demo = spawn("demo")
    demo.says("Temporal's UI, while this runs: http://127.0.0.1:")
    children = demo.children()
    assert {"temporal", "python"} <= {child.name().rstrip("0123456789.") for child in children}
    assert 0 == demo.process.wait(200), demo.text
    for words in (
        "Some of the enriched products",
        "harvest-my_project-camping-trade",
        "gardener-my_project",
        "inserted 224",
        "rejected 5 (1 ambiguous price,",
        "CT-",
        "EUR",
        "the cheapest tent is the Varga Ridge Col 1 tent 1-person 0.9 kg moss, 150.5 EUR",
        "nothing is left running",
    ):
        assert words in " ".join(demo.text.split())
    assert [] == demo.left()
    assert [demo.output.name] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    "moment",
    [
        "its first process",
        "temporal is ready",
        pytest.param("harvest:", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_at_any_moment_leaves_nothing(spawn: Spawn, tmp_path: Path, moment: str) -> None:
    """Interrupted, the demo ends with 130, without a traceback, a process or a folder left."""
    demo = spawn("demo")
    if moment == "its first process":
        demo.until(demo.children, moment)
    else:
        demo.says(moment)
    assert 130 == demo.interrupt(signal.SIGINT)
    assert "Traceback" not in demo.text
    assert "Interrupted; nothing is left running." in demo.text
    assert [] == demo.left()
    assert [demo.output.name] == [path.name for path in tmp_path.iterdir()]


def test_a_process_that_fails_is_shown_with_its_log(cli: Cli, tmp_path: Path) -> None:
    """A broken part ends the demo: its last words are shown, its folder is kept and named."""
    result = cli("demo", env={"CONTEXTWORKER_LOG_LEVEL": "LOUD"})
    assert 1 == result.returncode
    assert "stopped while starting (exit code 1)." in result.stderr
    assert "Traceback (most recent call last)\n  File" not in result.stderr
    (kept,) = tmp_path.glob(".contextworker/demo-*")
    assert f"everything it wrote is kept in {kept}" in result.stderr
    assert (kept / "logs" / "temporal.log").exists()
