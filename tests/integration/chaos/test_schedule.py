"""A seed is a schedule: what failed once can be made to happen again."""

from itertools import pairwise

from faults.catalog import CATALOG
from faults.schedule import schedule
from faults.strikes import STRIKES
from harness.names import LINKS, PROCESSES


def test_a_seed_gives_the_same_schedule_again() -> None:
    """And another seed another one."""
    first = schedule(7, seconds=60, per_minute=30)

    assert first == schedule(7, seconds=60, per_minute=30)
    assert first.faults != schedule(8, seconds=60, per_minute=30).faults


def test_a_schedule_says_how_to_repeat_it() -> None:
    """With each fault's time, kind and target."""
    plan = schedule(7, seconds=60, per_minute=30)

    said = str(plan).splitlines()

    assert "--chaos-seed 7" in said[0]
    assert [f"  {fault}" for fault in plan.faults] == said[1:]
    assert all(fault.kind in str(fault) and fault.target in str(fault) for fault in plan.faults)


def test_faults_come_in_time_and_overlap() -> None:
    """As often as asked for, by and large."""
    faults = schedule(7, seconds=600, per_minute=30).faults

    assert 240 < len(faults) < 360
    assert sorted(fault.at_s for fault in faults) == [fault.at_s for fault in faults]
    assert any(a.at_s + a.lasts_s > b.at_s for a, b in pairwise(faults))


def test_everything_is_struck_in_a_long_run() -> None:
    """Each kind, each process and each link."""
    faults = schedule(7, seconds=36_000, per_minute=30).faults

    assert {kind.name for kind in CATALOG} == {fault.kind for fault in faults} == STRIKES.keys()
    assert set(PROCESSES) | set(LINKS) <= {fault.target for fault in faults}
