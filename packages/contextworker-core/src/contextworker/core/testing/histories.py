"""Recorded runs of each release, replayed on today's workflows.

A module keeps them beside its tests, as `histories/<version>/<scenario>.json`. A run that began on
one release must be able to go on with every later one of the same series; replaying what was
recorded then shows it before anybody deploys.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseError
from packaging.version import InvalidVersion, Version
from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.worker import Interceptor, Replayer

from contextworker.core.errors import ConfigurationError
from contextworker.core.plugin import ContextPlugin
from contextworker.core.registry import ModuleConfig
from contextworker.core.testing.mismatch import HistoryMismatchError, Mismatch, explain
from contextworker.core.testing.neutral import neutral_json
from contextworker.core.testing.series import next_series, same_series
from contextworker.core.worker import shared_modules

FOLDER = "histories"
_SCENARIO = re.compile(r"[a-z0-9][a-z0-9_-]*")
_CLOSED = (
    "workflow_execution_canceled_event_attributes",
    "workflow_execution_completed_event_attributes",
    "workflow_execution_continued_as_new_event_attributes",
    "workflow_execution_failed_event_attributes",
    "workflow_execution_terminated_event_attributes",
    "workflow_execution_timed_out_event_attributes",
)


@dataclass(frozen=True)
class RecordedHistory:
    """One recorded run of one release of a module."""

    module: ModuleConfig
    path: Path

    @property
    def release(self) -> str:
        """The version of the module that was recorded."""
        return self.path.parent.name

    @property
    def must_replay(self) -> bool:
        """Whether today's code is to be released in the same series.

        Raises:
            ConfigurationError: The folder's name is no version.
        """
        try:
            return same_series(self.release, self.next_release)
        except InvalidVersion as error:
            raise ConfigurationError(
                f"{self.path.parent}: {self.release!r} is no version; histories are kept as "
                f"{FOLDER}/<version>/<scenario>.json"
            ) from error

    @property
    def next_release(self) -> str:
        """The version of today's code; of the next series where a note says that it is breaking."""
        today = release_of(self.module)
        return next_series(today) if any(self._notes.glob("*.breaking*.md")) else today

    @property
    def _notes(self) -> Path:
        """Where towncrier's fragments lie: beside the folder of the tests."""
        return self.path.parents[3] / "changelog.d"

    async def replay(self, *, interceptors: Sequence[Interceptor] = ()) -> None:
        """Take the recorded run through today's workflows, without a server.

        Args:
            interceptors: See `ContextPlugin`.

        Raises:
            HistoryMismatchError: They take another path; the message says what to do.
            ConfigurationError: The file holds no history.
        """
        history = _read(self.path)
        replayer = Replayer(
            workflows=[route.workflow for route in self.module.routes],
            plugins=[ContextPlugin(*shared_modules([self.module]), interceptors=interceptors)],
        )
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if result.replay_failure is not None:
            mismatch = explain(result.replay_failure, history.events)
            raise HistoryMismatchError(self._said(mismatch, history), mismatch)

    def _said(self, mismatch: Mismatch, history: WorkflowHistory) -> str:
        started = history.events[0].workflow_execution_started_event_attributes
        today, then = release_of(self.module), self.release
        return (
            f"the workflow {started.workflow_type.name!r} of today's code (version {today}) cannot "
            f"continue a run that release {then} of {self.module.name!r} began\n"
            f"  {_near(self.path)}\n"
            f"{mismatch.said}\n"
            "Do one of these:\n"
            f"  - {mismatch.remedy}\n"
            f"  - {self._way_to(next_series(today))}: runs that began on {then} stay pinned to "
            "its workers\n"
            f"  - if {then} was never released, remove this file and record it again: "
            f"`uv run pytest {_near(self.path.parents[2])} --record-histories`"
        )

    def _way_to(self, version: str) -> str:
        if not self._notes.is_dir():
            return f"raise the version to {version}"
        note = _near(self._notes / "what-changed.breaking.md")
        return f"note it as breaking in {note}, so that the next release is {version}"


def recorded_histories(module: ModuleConfig, folder: Path) -> list[RecordedHistory]:
    """List what is recorded in the folder, the oldest release first."""
    found = [RecordedHistory(module, path) for path in folder.glob("*/*.json")]
    return sorted(found, key=lambda history: (_ordered(history.release), history.path.name))


def has_histories(folder: Path, release: str) -> bool:
    """Tell whether a release is recorded: none should go out without."""
    return any((folder / release).glob("*.json"))


def release_of(module: ModuleConfig) -> str:
    """Return the version of the module's installed distribution.

    Raises:
        ConfigurationError: It is not installed.
    """
    if module.version == "dev":
        raise ConfigurationError(
            f"module {module.name!r}: its histories belong to a version of {module.distribution}, "
            "which is not installed; install it, or name the distribution in "
            "ModuleConfig(package=…)"
        )
    return module.version


async def record(
    handle: WorkflowHandle[Any, Any],
    module: ModuleConfig,
    scenario: str,
    *,
    folder: Path,
    stand_ins: dict[str, str] | None = None,
) -> RecordedHistory:
    """Keep the history of an ended run as `<folder>/<version>/<scenario>.json`.

    What is recorded already stays as it is: it is what a release did.

    Args:
        handle: The run; give it a run id where the workflow continued as new.
        module: Whose run it is; its version names the folder.
        scenario: What happened, as a file name: lower-case words joined by `-` or `_`.
        folder: The module's `tests/histories`.
        stand_ins: Paths of this machine in the run's payloads, and what to write instead.

    Raises:
        ConfigurationError: The run is open, the scenario is no file name, or the run holds
            credentials.
        HistoryMismatchError: The run does not even replay on the code that made it.
    """
    if not _SCENARIO.fullmatch(scenario):
        raise ConfigurationError(
            f"scenario {scenario!r}: use lower-case letters, digits, '-' and '_'"
        )
    recorded = RecordedHistory(module, folder / release_of(module) / f"{scenario}.json")
    if recorded.path.exists():
        return recorded
    history = await handle.fetch_history()
    if not _is_closed(history):
        raise ConfigurationError(
            f"scenario {scenario!r}: the run {handle.id} is still open; record it once it has ended"
        )
    text = neutral_json(history, stand_ins or {})
    recorded.path.parent.mkdir(parents=True, exist_ok=True)
    recorded.path.write_text(text, encoding="utf-8")
    try:
        await recorded.replay()
    except HistoryMismatchError as error:
        recorded.path.unlink()
        raise HistoryMismatchError(
            f"scenario {scenario!r} is not recorded: {module.name!r} does not replay its own run "
            "just ended, so its workflow is not deterministic, or the run is another module's\n"
            f"{error.mismatch.said}",
            error.mismatch,
        ) from None
    return recorded


def _read(path: Path) -> WorkflowHistory:
    try:
        history = WorkflowHistory.from_json("", path.read_text(encoding="utf-8"))
        complete = bool(history.run_id) and _is_complete(history)
    except (ParseError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} holds no workflow history: {error}") from error
    if not complete:
        raise ConfigurationError(
            f"{path} holds only a part of a workflow's history: restore the file as it was recorded"
        )
    started = history.events[0].workflow_execution_started_event_attributes
    return WorkflowHistory(started.workflow_id, history.events)


def _is_complete(history: WorkflowHistory) -> bool:
    """Tell whether every event is there, to the last: a replay would wait for what is missing."""
    ids = [event.event_id for event in history.events]
    return ids == list(range(1, len(ids) + 1)) and _is_closed(history)


def _is_closed(history: WorkflowHistory) -> bool:
    return history.events[-1].WhichOneof("attributes") in _CLOSED


def _near(path: Path) -> Path:
    """Shorten a path for whoever reads it where the tests were started."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _ordered(release: str) -> Version:
    try:
        return Version(release)
    except InvalidVersion:
        return Version("0")
