"""Payloads in a real folder, deleted by their age."""

import asyncio
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from contextworker.core import payload_cleaning
from contextworker.core.errors import TransientError
from contextworker.core.objects import ObjectStore
from contextworker.core.payload_cleaning import clean, cleaning, sweep
from contextworker.core.settings import RuntimeSettings

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
TODAY = NOW.date()


class Clock(datetime):
    """A clock that stands, so that no test sees midnight or the end of an hour."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Clock":
        """Tell the time, which is always the same."""
        return cls.fromtimestamp(NOW.timestamp(), tz)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show what cleans payloads that clock."""
    monkeypatch.setattr(payload_cleaning, "datetime", Clock)


async def keep(store: ObjectStore, tenant_id: str, days_ago: int) -> None:
    """Store a payload as if some days ago."""
    day = (TODAY - timedelta(days=days_ago)).isoformat()
    await store.put(b"payload", prefix=f"{tenant_id}/payloads/{day}")


def ages(folder: Path) -> dict[str, list[int]]:
    """Return each tenant's payloads by their age in days."""
    found: dict[str, list[int]] = {}
    for day in sorted(folder.glob("*/payloads/2*"), reverse=True):
        stored = date.fromisoformat(day.name)
        found.setdefault(day.parent.parent.name, []).append((TODAY - stored).days)
    return found


@pytest.fixture
async def store(tmp_path: Path) -> ObjectStore:
    """A store with payloads of two tenants and none, old and young, and other objects."""
    objects = ObjectStore.from_url(tmp_path.as_uri())
    for tenant_id in ("acme", "other", "_"):
        for days_ago in (0, 29, 30, 31, 400):
            await keep(objects, tenant_id, days_ago)
    await objects.put(b"feed", prefix="acme/feeds")
    await objects.put(b"feed", prefix="acme/payloads/archive")
    return objects


async def test_old_payloads_go_and_nothing_else(store: ObjectStore, tmp_path: Path) -> None:
    """Those of exactly the retention stay, and whatever is not named by a day."""
    cleaned = await clean(store, retention_days=30)

    assert {name: [0, 29, 30] for name in ("other", "acme", "_")} == ages(tmp_path)
    assert 6 == len(cleaned)
    for folder in ("acme/feeds", "acme/payloads/archive"):
        assert 1 == len(list((tmp_path / folder).iterdir()))
    assert [] == await clean(store, retention_days=30)


async def test_a_sweep_is_bounded_and_a_person_is_not(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one sweep leaves is the next one's; who asks for all of it gets all of it."""
    monkeypatch.setattr(payload_cleaning, "_MOST_DAYS", 2)

    await sweep(store, retention_days=30)

    assert 4 == sum(day > 30 for days in ages(tmp_path).values() for day in days)
    assert 4 == len(await clean(store, retention_days=30))


async def test_of_many_processes_one_sweeps_an_hour(store: ObjectStore, tmp_path: Path) -> None:
    """The mark of the hour is the first one's; that of an hour before goes."""
    (tmp_path / "_sweeps").mkdir()
    (tmp_path / "_sweeps/2026-01-01T00").touch()

    await sweep(store, retention_days=300)
    await sweep(store, retention_days=30)

    assert [0, 29, 30, 31] == ages(tmp_path)["acme"]
    assert ["2026-03-01T12"] == [path.name for path in (tmp_path / "_sweeps").iterdir()]


async def test_a_sweep_that_fails_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a store or a disk says: a process that runs for months must not just give up."""
    errors = iter([PermissionError("no"), TransientError("the store is away")])
    tries: list[int] = []

    async def failing(*_: object, **__: object) -> None:
        tries.append(1)
        if (error := next(errors, None)) is not None:
            raise error

    monkeypatch.setattr(payload_cleaning, "_EVERY_S", 0.001)
    monkeypatch.setattr(payload_cleaning, "sweep", failing)
    settings = RuntimeSettings(external_payloads=True, store_url=tmp_path.as_uri())

    async with cleaning(settings), asyncio.timeout(60):
        while len(tries) < 3:
            await asyncio.sleep(0.001)

    assert 2 == caplog.text.count("old payloads were not deleted")


@pytest.mark.usefixtures("store")
async def test_a_worker_sweeps_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the hour after its start; here, an hour is short."""
    monkeypatch.setattr(payload_cleaning, "_EVERY_S", 0.01)
    settings = RuntimeSettings(
        external_payloads=True, store_url=tmp_path.as_uri(), payload_retention_days=30
    )

    async with cleaning(settings), asyncio.timeout(60):
        while 400 in ages(tmp_path)["acme"] or 31 in ages(tmp_path)["other"]:
            await asyncio.sleep(0.01)

    assert [0, 29, 30] == ages(tmp_path)["_"]
