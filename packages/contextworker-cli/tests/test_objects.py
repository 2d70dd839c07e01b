"""The object store, cleaned from the command line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest

from contextworker.core import payload_cleaning

Call = Callable[..., Any]
NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


class Clock(datetime):
    """A clock that stands, so that no day ends between two commands."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Clock":
        """Tell the time, which is always the same."""
        return cls.fromtimestamp(NOW.timestamp(), tz)


@pytest.fixture
def days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of payloads of today, 9 and 10 days ago."""
    monkeypatch.setenv("CONTEXTWORKER_STORE_URL", tmp_path.as_uri())
    monkeypatch.setattr(payload_cleaning, "datetime", Clock)
    made = [
        tmp_path / "acme/payloads" / (NOW.date() - timedelta(days=ago)).isoformat()
        for ago in (0, 9, 10)
    ]
    for folder in made:
        folder.mkdir(parents=True)
        (folder / "object").touch()
    return made


def test_payloads_go_by_their_age(call: Call, days: list[Path]) -> None:
    """A dry run says what would go; then it goes, and nothing else."""
    clean = ["objects", "clean", "--older-than", "9", "--json"]

    planned = call(*clean, "--dry-run")
    kept = [folder.exists() for folder in days]
    done = call(*clean)

    expected = [{"tenant_id": "acme", "day": days[2].name}]
    assert [expected, expected] == [json.loads(one.out) for one in (planned, done)]
    assert [True, True, True] == kept
    assert [True, True, False] == [folder.exists() for folder in days]
    assert "No payloads are older than 9 days." in call(*clean[:-1]).err
