"""A round of seconds, on what is quick to start: the harvest, with an SQLite Brain."""

from pathlib import Path

import pytest
from chaos_options import SEED
from faults.catalog import Kind
from faults.schedule import schedule
from harness.ledger import Ledger
from harness.names import CLIENT_GATEWAY, SUPPLIER, WORKERS_SUPPLIER
from harness.system import chaos_system
from rounds import run_round

SERVICES = ("gateway", "harvest-1")
_LINKS = (CLIENT_GATEWAY, WORKERS_SUPPLIER, "gateway-temporal", "harvest-1-temporal")
KINDS = (
    Kind("cut", _LINKS, 3),
    Kind("reset", _LINKS, 3),
    Kind("refuse", _LINKS, 2, lasts_s=(0.1, 0.3)),
    Kind("silence", _LINKS, 2, lasts_s=(0.1, 0.3)),
    Kind("freeze", SERVICES, 2, lasts_s=(0.1, 0.3)),
    Kind("error", (SUPPLIER,), 1, lasts_s=(0.1, 0.3)),
    Kind("garbage", (SUPPLIER,), 1, lasts_s=(0.1, 0.3)),
    Kind("garbage_packed", (SUPPLIER,), 1, lasts_s=(0.1, 0.3)),
)


@pytest.mark.timeout(900)  # every wait in it is bounded
async def test_a_short_round(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """What the long rounds hold the whole system to, a part of it is held to on every change."""
    plan = schedule(request.config.getoption(SEED), seconds=1, per_minute=600, kinds=KINDS)
    async with chaos_system(tmp_path, seed=plan.seed, on_sqlite=True, services=SERVICES) as system:
        one = await run_round(system, Ledger(), plan, tenants=["bravo"])

    assert () == one.violations, plan
    assert set(plan.faults) == set(one.faults)
    assert len(plan.faults) > 0
