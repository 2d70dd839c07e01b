"""Histories are recorded from live runs, and replayed on code that changed since."""

import asyncio
import getpass
import json
import shutil
import socket
from importlib.metadata import version
from pathlib import Path
from typing import Any

import paths
import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from contextcore import ContextUnit
from contextworker.core.errors import ConfigurationError
from contextworker.core.registry import ModuleConfig
from contextworker.core.testing import (
    HistoryMismatchError,
    RecordedHistory,
    has_histories,
    record,
    recorded_histories,
    running,
)
from contextworker.core.testing.fixtures import replayed
from contextworker.core.testing.neutral import readable
from contextworker.core.testing.series import next_series, same_series

RELEASE = version("contextworker-core")
MODULE = paths.module(paths.Recorded)
Handle = WorkflowHandle[Any, ContextUnit]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(temporal_client: Client) -> Any:
    """A worker of the version that records."""
    async with running(temporal_client, MODULE):
        yield


async def start(client: Client, parcel: object | None = "book") -> Handle:
    """Start a run; without a parcel it stays open, for packing none is tried again and again."""
    given = {} if parcel is None else {"parcel": parcel}
    unit = ContextUnit(payload={"workflow_type": "parcel", **given})
    handle: Handle = await client.start_workflow(
        "parcel", unit, id=f"parcel-{unit.unit_id}", task_queue=MODULE.queue
    )
    return handle


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recorded(
    temporal_client: Client, worker: None, tmp_path_factory: pytest.TempPathFactory
) -> RecordedHistory:
    """One recorded run, in a folder of its own."""
    handle = await start(temporal_client)
    await handle.result()
    folder = tmp_path_factory.mktemp("tests") / "histories"
    return await record(handle, MODULE, "sent", folder=folder)


def on(workflow_class: type, history: RecordedHistory) -> RecordedHistory:
    """Take a recorded run to other code."""
    return RecordedHistory(paths.module(workflow_class), history.path)


@pytest.mark.parametrize(
    "code", [paths.Recorded, paths.Refactored, paths.Patched], ids=lambda code: code.__name__
)
async def test_code_that_takes_the_recorded_path_passes(
    recorded: RecordedHistory, code: type
) -> None:
    """The same code, the same path written otherwise, and a new path behind `patched`."""
    await on(code, recorded).replay()


@pytest.mark.parametrize(
    ("code", "recorded_next", "now"),
    [
        (paths.Swapped, "the activity 'pack'", "the activity 'send'"),
        (paths.Insured, "the activity 'send'", "the activity 'insure'"),
        (paths.Delayed, "the activity 'send' (event 11)", "a timer"),
        (paths.Shortened, "the activity 'send' (event 11)", "the end: it completes"),
        (paths.Stuck, "the activity 'send' (event 11)", "nothing: it waits"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
async def test_code_that_takes_another_path_is_told_what_to_do(
    recorded: RecordedHistory, code: type, recorded_next: str, now: str
) -> None:
    """Workflow, release, file, then and now, and the three ways out."""
    with pytest.raises(HistoryMismatchError) as caught:
        await on(code, recorded).replay()

    minor = RELEASE.split(".")[1]
    assert (
        f"the workflow 'parcel' of today's code (version {RELEASE}) cannot continue a run that "
        f"release {RELEASE} of 'parcel' began\n"
        f"  {recorded.path}\n"
        f"  recorded next: {recorded_next}\n"
        f"  the code now:  {now}\n"
        "Do one of these:\n"
        '  - keep both paths: the new one where `workflow.patched("what-changed")` says so, the '
        "recorded one elsewhere\n"
        f"  - raise the version to 0.{int(minor) + 1}.0: runs that began on {RELEASE} stay pinned "
        "to its workers\n"
        f"  - if {RELEASE} was never released, remove this file and record it again: "
        f"`uv run pytest {recorded.path.parents[2]} --record-histories`"
    ) == str(caught.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            paths.OtherMessages,
            (
                "  the workflow's code raised: Failed decoding arguments\n"
                "    1 validation error for int\n"
            ),
        ),
        (paths.Renamed, "Workflow class parcel is not registered on this worker"),
    ],
    ids=["messages", "renamed"],
)
async def test_code_that_cannot_read_a_recorded_run_is_told_why(
    recorded: RecordedHistory, code: type, said: str
) -> None:
    """A message of another shape, or a workflow type that is gone, breaks open runs as well."""
    with pytest.raises(HistoryMismatchError) as caught:
        await on(code, recorded).replay()

    assert said in str(caught.value)
    assert "a new field, for one, needs a default" in str(caught.value)


async def test_a_recorded_history_holds_nothing_of_the_machine(
    temporal_client: Client, worker: None, tmp_path: Path
) -> None:
    """No host, process, user or path; what an activity said of a path is kept with a stand-in."""
    handle = await start(temporal_client, {"of": str(tmp_path / "feed.csv")})
    await handle.result()

    history = await record(
        handle, MODULE, "path", folder=tmp_path / "histories", stand_ins={str(tmp_path): "/test"}
    )

    text = readable(json.loads(history.path.read_text()))
    assert "{'of': '/test/feed.csv'} sent" in text
    for private in (str(tmp_path), str(Path.cwd()), socket.gethostname(), f"{getpass.getuser()}@"):
        assert private not in text, private


async def test_a_path_is_found_however_it_is_written(
    temporal_client: Client, worker: None, tmp_path: Path
) -> None:
    """In a URL a space is `%20`, and in the JSON of a unit a letter may be an escape."""
    folder = tmp_path / "Zoë and feeds"
    handle = await start(temporal_client, {"path": str(folder), "url": folder.as_uri()})
    await handle.result()

    history = await record(
        handle, MODULE, "url", folder=tmp_path / "histories", stand_ins={str(folder): "/test"}
    )

    text = readable(json.loads(history.path.read_text()))
    for told in ("'path': '/test'", "'url': 'file:///test'"):  # in any order: a Struct has none
        assert told in text, told
    assert "feeds" not in text


async def test_credentials_are_refused(
    temporal_client: Client, worker: None, tmp_path: Path
) -> None:
    """An address with a password in it never reaches the repository, nor the message."""
    handle = await start(temporal_client, "ftp://ada:secret@feeds.example/all.csv")
    await handle.result()

    with pytest.raises(ConfigurationError, match="holds an address with credentials") as caught:
        await record(handle, MODULE, "password", folder=tmp_path)

    assert "secret" not in str(caught.value)
    assert not has_histories(tmp_path, RELEASE)


async def test_what_is_recorded_stays(
    temporal_client: Client, worker: None, recorded: RecordedHistory
) -> None:
    """A second recording leaves the file of the first: it is what a release did."""
    before = recorded.path.read_text()
    handle = await start(temporal_client)
    await handle.result()

    again = await record(handle, MODULE, "sent", folder=recorded.path.parents[1])

    assert (recorded.path, before) == (again.path, again.path.read_text())


async def test_a_failed_run_is_recorded_without_its_traceback(
    temporal_client: Client, worker: None, tmp_path: Path
) -> None:
    """Every ended run can be kept, not only a good one."""
    handle = await start(temporal_client, None)
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()

    history = await record(handle, MODULE, "cancelled", folder=tmp_path)

    await history.replay()
    assert "stackTrace" not in history.path.read_text()


async def test_a_run_that_its_own_code_does_not_replay_is_not_recorded(
    temporal_client: Client, worker: None, tmp_path: Path
) -> None:
    """A workflow that is not deterministic is told at once, and leaves no file."""
    handle = await start(temporal_client)
    await handle.result()

    with pytest.raises(HistoryMismatchError) as caught:
        await record(handle, paths.module(paths.Delayed), "sent", folder=tmp_path)

    assert (
        "scenario 'sent' is not recorded: 'parcel' does not replay its own run just ended, so its "
        "workflow is not deterministic, or the run is another module's\n"
        "  recorded next: the activity 'send' (event 11)\n"
        "  the code now:  a timer"
    ) == str(caught.value)
    assert not has_histories(tmp_path, RELEASE)


async def test_an_open_run_is_not_recorded(
    temporal_client: Client, tmp_path: Path, worker: None
) -> None:
    """Its history would end anywhere."""
    handle: Handle = await temporal_client.start_workflow(
        "parcel", ContextUnit(), id="parcel-open", task_queue="nobody-polls"
    )

    with pytest.raises(ConfigurationError, match="the run parcel-open is still open"):
        await record(handle, MODULE, "open", folder=tmp_path)

    await handle.terminate()


async def test_a_scenario_is_a_file_name(temporal_client: Client, tmp_path: Path) -> None:
    """A path would lead out of the folder."""
    handle: Handle = temporal_client.get_workflow_handle("any")

    with pytest.raises(ConfigurationError, match=r"'\.\./sent': use lower-case"):
        await record(handle, MODULE, "../sent", folder=tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"events": []}', '{"events": [{"eventId": "1"}]}', '{"events": 1}', "[]"],
    ids=["nothing", "empty", "no-events", "no-start", "number", "list"],
)
async def test_a_file_that_is_no_history_is_named(tmp_path: Path, text: str) -> None:
    """A merge gone wrong is a sentence with the path."""
    path = tmp_path / RELEASE / "sent.json"
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=r"sent\.json holds no workflow history"):
        await RecordedHistory(MODULE, path).replay()


@pytest.mark.parametrize("lost", [4, -1], ids=["middle", "end"])
async def test_a_file_with_an_event_lost_is_named(
    recorded: RecordedHistory, tmp_path: Path, lost: int
) -> None:
    """Replaying it would wait for ever."""
    events = json.loads(recorded.path.read_text())["events"]
    del events[lost]
    path = tmp_path / "sent.json"
    path.write_text(json.dumps({"events": events}))

    with pytest.raises(ConfigurationError, match=r"sent\.json holds only a part of a workflow's"):
        await RecordedHistory(MODULE, path).replay()


def test_histories_are_listed_by_release_and_older_series_are_skipped(
    recorded: RecordedHistory, tmp_path: Path
) -> None:
    """0.10 comes after 0.9; only what is of today's series has to replay."""
    for release in ("0.10.0", "0.9.3", RELEASE):
        (tmp_path / "histories" / release).mkdir(parents=True)
        shutil.copy(recorded.path, tmp_path / "histories" / release / "sent.json")

    cases = replayed(MODULE, beside=str(tmp_path / "test_histories.py"))

    assert [(f"{RELEASE}/sent", []), ("0.9.3/sent", ["skip"]), ("0.10.0/sent", ["skip"])] == [
        (case.id, [mark.name for mark in case.marks]) for case in cases
    ]


async def test_a_note_of_a_breaking_change_begins_the_next_series(
    recorded: RecordedHistory, tmp_path: Path
) -> None:
    """The build passes again, since open runs will stay with the release before."""
    folder, notes = tmp_path / "tests" / "histories" / RELEASE, tmp_path / "changelog.d"
    folder.mkdir(parents=True)
    notes.mkdir()
    shutil.copy(recorded.path, folder)
    test_file = str(tmp_path / "tests" / "test_histories.py")

    [case] = replayed(paths.module(paths.Swapped), beside=test_file)
    assert [] == list(case.marks)
    with pytest.raises(HistoryMismatchError) as caught:
        await case.values[0].replay()
    advice = (
        f"note it as breaking in {notes / 'what-changed.breaking.md'}, so that the next release is"
    )
    assert advice in str(caught.value)

    (notes / "swapped.breaking.md").touch()
    [case] = replayed(paths.module(paths.Swapped), beside=test_file)
    assert ["skip"] == [mark.name for mark in case.marks]


def test_a_module_without_histories_skips_with_the_way_to_record(tmp_path: Path) -> None:
    """A module just made passes, and says what is missing."""
    [case] = replayed(MODULE, beside=str(tmp_path / "test_histories.py"))

    assert ["no history of parcel is recorded yet: run these tests with --record-histories"] == [
        mark.kwargs["reason"] for mark in case.marks
    ]


def test_a_folder_that_is_no_version_is_named(tmp_path: Path) -> None:
    """A misplaced file is not silently left out."""
    (tmp_path / "histories" / "latest").mkdir(parents=True)
    (tmp_path / "histories" / "latest" / "sent.json").touch()

    with pytest.raises(ConfigurationError, match="'latest' is no version"):
        replayed(MODULE, beside=str(tmp_path / "test_histories.py"))


def test_a_module_that_is_not_installed_has_no_release(tmp_path: Path) -> None:
    """Its histories would belong to no version."""
    stranger = ModuleConfig("stranger", [paths.Recorded], [])

    with pytest.raises(ConfigurationError, match="a version of contextworker-stranger, which is"):
        replayed(stranger, beside=str(tmp_path / "test_histories.py"))


def test_a_release_has_histories_or_not(recorded: RecordedHistory) -> None:
    """What a release asks before it goes out."""
    folder = recorded.path.parents[1]

    assert [True, False] == [has_histories(folder, release) for release in (RELEASE, "9.9.9")]
    assert [recorded] == recorded_histories(MODULE, folder)


@pytest.mark.parametrize(
    ("recorded_release", "current", "expected"),
    [
        ("1.0.0", "1.9.4", True),
        ("1.9.4", "1.0.0", True),
        ("1.0.0", "2.0.0", False),
        ("0.1.0", "0.1.7", True),
        ("0.1.0", "0.2.0", False),
        ("0.9.0", "1.0.0", False),
        ("0.2.0rc1", "0.2.0", True),
        ("1.2.0.dev3", "1.0.0", True),
        ("0.1.0", "0.1.0+local", True),
        ("1!1.0.0", "1.0.0", False),
    ],
)
def test_a_series_is_a_major_or_under_zero_a_minor(
    *, recorded_release: str, current: str, expected: bool
) -> None:
    """As semantic versions promise."""
    assert expected == same_series(recorded_release, current)


@pytest.mark.parametrize(
    ("version_now", "expected"),
    [("0.1.7", "0.2.0"), ("1.2.3", "2.0.0"), ("0.9.0rc1", "0.10.0")],
)
def test_the_next_series(version_now: str, expected: str) -> None:
    """Its first version is what an incompatible change needs."""
    assert expected == next_series(version_now)


@pytest.mark.slow
@pytest.mark.timeout(300)  # three sessions, each with a Temporal of its own
async def test_a_test_session_records_once_and_replays(tmp_path: Path) -> None:
    """As a module outside this repository does it: first nothing, then recorded, then replayed."""
    support = Path(paths.__file__).parent
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_test_loop_scope = session\n"
    )
    (tmp_path / "conftest.py").write_text(
        'pytest_plugins = ["contextworker.core.testing.fixtures"]\n'
    )
    (tmp_path / "test_parcels.py").write_text(
        f"""
import sys
sys.path.insert(0, {str(support)!r})
import paths, pytest
from contextcore import ContextUnit
from contextworker.core.testing import running
from contextworker.core.testing.fixtures import replayed

MODULE = paths.module(paths.Recorded)

@pytest.mark.parametrize("history", replayed(MODULE, beside=__file__))
async def test_recorded_runs_replay(history):
    await history.replay()

async def test_sending(temporal_client, record_history):
    async with running(temporal_client, MODULE):
        handle = await temporal_client.start_workflow(
            "parcel", ContextUnit(payload={{"parcel": "a"}}), id="a", task_queue=MODULE.queue
        )
        await handle.result()
        await record_history(handle, MODULE, "sent")
"""
    )
    said = [await _pytest(tmp_path, *options) for options in ([], ["--record-histories"], [])]

    assert ["1 passed, 1 skipped", "1 passed, 1 deselected", "2 passed"] == [
        text.splitlines()[-1].strip("=").split(" in ")[0].strip() for text in said
    ]
    assert "no history of parcel is recorded yet" in said[0]


async def _pytest(folder: Path, *options: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "pytest", "-ra", "-p", "no:cacheprovider", *options, cwd=folder, stdout=-1, stderr=-2
    )
    output, _ = await process.communicate()
    return output.decode()
