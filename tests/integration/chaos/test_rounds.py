"""Rounds of faults on the whole system: what was acknowledged happens, once, and nothing stays."""

import logging
import time
from pathlib import Path

import pytest
from chaos_options import MINUTES, REPORT, SEED
from faults.catalog import CATALOG, Kind, of_sqlite
from faults.schedule import schedule
from harness.ledger import Ledger
from harness.system import ChaosSystem, chaos_system
from report import Report
from rounds import run_round

ROUND_S, FAULTS_PER_MINUTE = 40, 30
_log = logging.getLogger(__name__)

# As long as --chaos-minutes says; every wait in it is bounded.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]


async def rounds(
    system: ChaosSystem, report: Report, *, seed: int, minutes: float, kinds: tuple[Kind, ...]
) -> None:
    """Begin round after round, each with its own seed, until the time is up."""
    ends_at, ledger = time.monotonic() + 60 * minutes, Ledger()
    while not report.rounds or time.monotonic() < ends_at:
        plan = schedule(seed, seconds=ROUND_S, per_minute=FAULTS_PER_MINUTE, kinds=kinds)
        _log.info("round %d, seed %d", len(report.rounds) + 1, seed)
        try:
            one = await run_round(system, ledger, plan)
        except BaseException as error:
            error.add_note(str(plan))
            raise
        report.add(one)
        if one.violations:
            pytest.fail("\n".join([*one.violations[:50], str(plan)]), pytrace=False)
        seed += 1


async def test_rounds_of_faults(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Everything there is can be struck."""
    option = request.config.getoption
    report = Report(Path(option(REPORT) or tmp_path / "report.md"))
    async with chaos_system(tmp_path, seed=option(SEED)) as system:
        await rounds(system, report, seed=option(SEED), minutes=option(MINUTES), kinds=CATALOG)


async def test_a_round_with_an_sqlite_brain_whose_disk_is_full(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Nothing that could not be written is taken for written, and the file is not damaged."""
    seed, report = request.config.getoption(SEED), Report(tmp_path / "report.md")
    async with chaos_system(tmp_path, seed=seed, on_sqlite=True) as system:
        if system.disk is None:
            pytest.skip("no small disk can be mounted here")
        await rounds(system, report, seed=seed, minutes=0, kinds=of_sqlite())
        [(verdict,)] = await system.brain.rows("PRAGMA integrity_check")

    assert "ok" == verdict
    assert any(fault.kind == "full" for one in report.rounds for fault in one.faults)
