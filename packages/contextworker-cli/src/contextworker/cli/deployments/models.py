"""A module's deployment as `contextworker deploy` reads and shows it."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

EVERYTHING = 100
"""The percentage of new runs that goes to one version or another."""


class VersionState(StrEnum):
    """What a version is to its deployment."""

    CURRENT = "current"
    RAMPING = "ramping"
    DRAINING = "draining"
    DRAINED = "drained"
    INACTIVE = "inactive"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Version(_Model):
    """One version, with the workers and the runs it has."""

    build_id: str
    state: VersionState
    percentage: float = Field(description="Share of new runs.")
    created_at: datetime
    last_current_at: datetime | None = Field(description="When it last became current.")
    workers: int = Field(description="Processes that polled within the last 70 seconds.")
    last_poll_at: datetime | None = Field(description="None: not within Temporal's memory.")
    pinned_runs: int = Field(description="Open runs that only this version can finish.")
    backlog: int = Field(description="Tasks that wait for a worker.")
    backlog_age_s: float
    task_queues: frozenset[str]
    routes: tuple[str, ...] | None = Field(description="Workflow types; None: not announced.")


class Routing(_Model):
    """Where new runs go."""

    current: str | None
    ramping: str | None = None
    percentage: float = 0

    def share(self, build_id: str) -> float:
        """Return a version's share of new runs."""
        if build_id == self.ramping:
            return self.percentage
        return EVERYTHING - self.percentage if build_id == self.current else 0


class Deployment(_Model):
    """A module's versions, the newest first."""

    module: str
    name: str = Field(description="Temporal's name of it; the module's own unless one was given.")
    manager: str = Field(description="Who alone may promote; empty where anybody may.")
    routing: Routing
    versions: tuple[Version, ...]
    conflict_token: bytes = Field(exclude=True, repr=False)

    @property
    def current(self) -> Version | None:
        """The version new runs start on."""
        return self.version(self.routing.current)

    def version(self, build_id: str | None) -> Version | None:
        """Return a version; None where there is none of that id."""
        return next((each for each in self.versions if each.build_id == build_id), None)

    def build_ids(self) -> Iterator[str]:
        """Name the versions, the newest first."""
        return (version.build_id for version in self.versions)


class Change(_Model):
    """What a command came to; `before` and `after` are equal where nothing had to change."""

    module: str
    before: Routing
    after: Routing
    version: Version | None = Field(description="The version that gets more runs than before.")
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything did."""
        return self.before != self.after

    def dump(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return self.model_dump(mode="json") | {"changed": self.changed}
