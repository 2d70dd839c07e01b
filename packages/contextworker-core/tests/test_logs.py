"""The log: fields, bounds, no secrets, no forged lines, and a process that survives its stderr."""

import io
import json
import logging
import multiprocessing
import os
import pty
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from temporalio.client import Client
from temporalio.worker import Replayer, Worker

from contextcore import ContextUnit
from contextworker.core.logs.redaction import REDACTED, redacted
from contextworker.core.logs.stream import StderrHandler
from contextworker.core.plugin import ContextPlugin
from contextworker.core.testing import TemporalServer

_SETUP = """\
import logging, sys
from contextworker.core.logs.context import log_fields
from contextworker.core.logs.formats import LogFormat
from contextworker.core.logs.setup import configure_logging
configure_logging("DEBUG", LogFormat("{log_format}"))
log = logging.getLogger("shop.till")
"""


_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["contextworker.core.process", "pytest"])  # imported once for all
_TO_FILE = "import os\nos.dup2(os.open({file!r}, os.O_WRONLY | os.O_CREAT), 2)\n"


def ended(script: str) -> tuple[int | None, str]:
    """Run a script in a process of its own; returns its exit code and its standard error."""
    with tempfile.NamedTemporaryFile("r") as file:
        redirected = _TO_FILE.format(file=file.name) + script
        process = _FORKING.Process(target=exec, args=(redirected, {}))
        process.start()
        process.join(60)
        return process.exitcode, file.read()


def said(script: str, *, log_format: str = "json") -> str:
    """Run a script with a log of its own; returns its standard error."""
    code, text = ended(_SETUP.format(log_format=log_format) + script)
    assert 0 == code, text
    return text


def records(script: str) -> list[dict[str, Any]]:
    """Run a script; returns its records, each of which must be one line within the bound."""
    lines = said(script).splitlines()
    assert [] == [line[:200] for line in lines if len(line.encode()) > 8 * 1024]
    return [json.loads(line) for line in lines]


MARK = "marker-5f2a9c"
_FORGED = "2026-11-23T06:00:00.000Z [critical ] forged"


def test_records_are_bounded_lines_of_json() -> None:
    """Whatever is logged: each field is where a reader looks for it, and what is long is cut."""
    short, long, deep, broken, native = records(
        f"""\
import structlog
with log_fields(tenant_id="acme", trace_id=None):
    log.info("sold %s", "a\\n{_FORGED}\\u2028b", extra={{"till": 3}})
log.info("x" * 100_000, extra={{f"k{{n}}": "y" * 5_000 for n in range(200)}})
def fall(n):
    password = "in a frame"
    if n: fall(n - 1)
    else: raise ExceptionGroup("many", [ValueError("z" * 9_000) for _ in range(50)])
try:
    fall(500)
except Exception as error:
    try: raise RuntimeError("later") from error
    except RuntimeError: log.exception("it fell")
log.info("%d", "no number, but a-payload")
structlog.get_logger("shop").warning("said natively", till=4)
"""
    )

    assert short.pop("timestamp").endswith("Z")
    assert {
        "level": "info",
        "event": f"sold a\n{_FORGED}\u2028b",
        "logger": "shop.till",
        "tenant_id": "acme",
        "till": 3,
    } == short
    assert (True, "fields and traceback") == ("characters more" in long["event"], long["cut"])
    assert ["RuntimeError", "ExceptionGroup"] == [each["type"] for each in deep["exception"]]
    assert any("Skipped frames" in frame for frame in deep["exception"][1]["frames"])
    assert "in a frame" not in json.dumps(deep)
    assert "cannot be written: TypeError" in broken["event"]
    assert "a-payload" not in broken["event"]
    assert ("warning", 4) == (native["level"], native["till"])


def test_what_python_itself_would_write_is_a_record() -> None:
    """Warnings and errors that nobody foresaw: each one line, with no secret in it."""
    code, text = ended(
        f"""\
import threading, warnings
from contextworker.core.process import run_process
def fall(): raise KeyError("postgresql://a:{MARK}@host/thread")
class Falls:
    def __del__(self): fall()
async def serve(stop):
    warnings.warn("a\\n{_FORGED} ?api_key={MARK}")
    thread = threading.Thread(target=fall, name="till")
    thread.start()
    thread.join()
    Falls()
    raise ExceptionGroup("", [ValueError("postgresql://a:{MARK}@host/db")])
run_process(serve)
"""
    )

    warned, thread, ignored, process = map(json.loads, text.splitlines())
    assert (1, False) == (code, MARK in text)
    assert "py.warnings" == warned["logger"]
    assert ("error", "the thread till ended by an error") == (thread["level"], thread["event"])
    assert "an error in a function had nobody to go to" == ignored["event"]
    assert (
        "critical",
        "the process ends by an error nobody foresaw: ValueError",
        [f"postgresql://{REDACTED}@host/db"],
    ) == (
        process["level"],
        process["event"],
        [each["message"] for each in process["exception"]],
    )


def test_nothing_that_is_logged_forges_a_line_for_a_person() -> None:
    """Control characters are shown, not obeyed, and what an error says stands behind its record."""
    text = said(
        f"""\
log.info("a\\n{_FORGED}\\r\\x1b[2J\\u202e", extra={{"k\\ney": "v\\x9b1m\\n{_FORGED}"}})
try:
    raise ValueError("b\\n{_FORGED}")
except ValueError:
    log.exception("c")
""",
        log_format="console",
    )

    lines = text.splitlines()
    assert [] == [line for line in lines if line.startswith(_FORGED)]
    assert ["[info     ] a", "[error    ] c", "    ValueError: b", "      at <string>"] == [
        lines[0][25:38],
        lines[1][25:38],
        lines[2][:17],
        lines[3][:17],
    ]
    assert [] == [each for each in text if not each.isprintable() and each != "\n"]


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        pytest.param({}, True, id="colours"),
        pytest.param({"NO_COLOR": "1"}, False, id="no_color", marks=pytest.mark.slow),
    ],
)
def test_a_terminal_gets_lines_for_a_person(variables: dict[str, str], *, coloured: bool) -> None:
    """With colours, unless the person wants none; a setting of the wrong kind is a sentence."""
    script = """\
import logging
from contextworker.core.process import run_process
async def serve(stop):
    logging.getLogger("shop").info("open")
run_process(serve)
"""
    main, replica = pty.openpty()
    quiet = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    subprocess.run(
        [sys.executable, "-c", script],
        stderr=replica,
        env=quiet | variables,
        timeout=60,
        check=True,
    )
    os.close(replica)
    text = read_all(main).decode()
    os.close(main)

    assert ("open" in text, '"event"' in text, "\x1b[" in text) == (True, False, coloured)


def read_all(terminal: int) -> bytes:
    """Read what a terminal was written that nobody writes to any more; it comes piece by piece."""
    pieces: list[bytes] = []
    with suppress(OSError):  # which says on Linux that nobody does
        while piece := os.read(terminal, 4096):
            pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize(
    "stderr",
    [
        pytest.param("os.dup2(os.pipe()[1], 2)", id="nobody_reads"),
        pytest.param("sys.stderr.close()", id="closed", marks=pytest.mark.slow),
        pytest.param("os.close(2)", id="descriptor_closed", marks=pytest.mark.slow),
        pytest.param("sys.stderr = None", id="none", marks=pytest.mark.slow),
    ],
)
def test_a_process_outlives_its_standard_error(stderr: str) -> None:
    """Nobody may read the log any more: the process does its work, and ends as it would have."""
    script = f"""\
import logging, os, sys
from contextworker.core.process import run_process
async def serve(stop):
    log = logging.getLogger()
    log.info("before")
    {stderr}
    for _ in range(3):
        log.error("after")
    print("worked")
run_process(serve)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )

    assert (0, "worked\n") == (ended.returncode, ended.stdout)


def test_a_closed_standard_errors_number_goes_to_no_other_file() -> None:
    """What the process opens next would get the log written into it."""
    script = """\
import logging, os, tempfile
from contextworker.core.process import run_process
async def serve(stop):
    os.close(2)
    logging.error("nobody reads this")
    with tempfile.TemporaryFile() as file:
        logging.error("nor this")
        print(file.fileno() > 2, file.seek(0, os.SEEK_END))
run_process(serve)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )

    assert (0, "True 0\n") == (ended.returncode, ended.stdout)


def test_who_starts_without_standard_error_has_no_log() -> None:
    """A daemon may have none from the beginning."""
    ended = subprocess.run(
        ["/bin/sh", "-c", f'exec {sys.executable} -c "$0" 2>&-', _SETUP.format(log_format="auto")],
        timeout=60,
        check=False,
    )

    assert 0 == ended.returncode


@pytest.mark.parametrize(
    "text",
    [
        f"authorization: Bearer {MARK}",
        f"Authorization: Basic {MARK}aaaaaaaaaa",
        f"(b'authorization', b'Bearer {MARK}')",
        f"{{'x-api-key': '{MARK}', 'a': 1}}",
        f'{{"client_secret": "{MARK}"}}',
        f'{{"password":"with \\" quote {MARK}"}}',
        f"postgresql://user:{MARK}@host/db",
        f"postgresql://user:p/{MARK}@host/db",
        f"postgresql://user:p@{MARK}@host/db",
        f"https://{MARK}@host/feed.csv",
        f"https://host/feed.csv?a=1&api_key={MARK}&b=2",
        f"https://host/o?X-Amz-Credential=a%2F{MARK}&X-Amz-Signature={MARK}",
        f"https://host/o?sv=1&sig={MARK}",
        f"host=db user=a password={MARK} dbname=b",
        f"WORKER_TOKEN={MARK}",
        f"token eyJhbGciOiJIUzI1NiJ9.{MARK}.c2lnbmF0dXJl",
        f"-----BEGIN RSA PRIVATE KEY-----\n{MARK}\n-----END RSA PRIVATE KEY-----",
        f"Incorrect API key provided: sk-proj-{MARK}",
        f"cookie: session={MARK}; other={MARK}",
    ],
    ids=lambda text: text[:24].replace(MARK, "M"),
)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    """The last line of defence, for what should never have come to it."""
    told = redacted(f"before {text} after")

    assert MARK not in told
    assert REDACTED in told
    assert told.startswith("before ")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "part", ["a.", "://a:", "'token':\"", "bearer ", "secret-", "'a", "?a&", 'secret"\\']
)
def test_no_text_takes_long_to_look_through(part: str) -> None:
    """Patterns that go back and forth would hold up the process for as long as a stranger likes."""
    assert len(redacted(part * 100_000)) < 100_000


@pytest.mark.parametrize(
    "text",
    [
        "unauthenticated: the token is signed with a key that this gateway does not know",
        "the keys of tokens are read from https://login.example.com/keys?tenant=acme",
        "tokens: 3 of 5, secret: none is needed",
        "metrics on http://127.0.0.1:9464/metrics",
        "basic auth is not spoken here, nor are bearer tokens",
    ],
    ids=lambda text: text[:12],
)
def test_sentences_stay_as_they_are(text: str) -> None:
    """What only speaks of secrets is for people to read."""
    assert text == redacted(text)


def test_what_is_secret_is_taken_out_whatever_it_looks_like() -> None:
    """A field by its name, a text that was said to be one by itself; numbers stay."""
    (told,) = records(
        f"""\
from contextworker.core.logs.redaction import conceal
conceal("{MARK}")
more = [{{"password": {{"a": "b"}}, "x{MARK}": "{MARK}"}}]
log.info("tent", extra={{"api_key": "k", "more": more, "tokens_used": 5, "bytes": b"{MARK}"}})
"""
    )

    assert {
        "api_key": REDACTED,
        "more": [{"password": REDACTED, f"x{REDACTED}": REDACTED}],
        "tokens_used": 5,
        "bytes": f"b'{REDACTED}'",
    } == {key: told[key] for key in ("api_key", "more", "tokens_used", "bytes")}


def test_no_part_of_a_secret_is_left_where_a_text_is_cut() -> None:
    """Once it is cut, nothing looks like the secret any more."""
    (told,) = records(
        f"""\
from contextworker.core.logs.redaction import conceal
conceal("{MARK}" * 20)
try:
    raise ValueError("x" * 450 + "{MARK}" * 20)
except ValueError:
    log.exception("it fell", extra={{"long": "y" * 1950 + "{MARK}" * 20}})
"""
    )

    assert (True, False) == (REDACTED in told["exception"][0]["message"], MARK in str(told))


def test_what_does_not_fit_a_model_is_told_by_field_and_rule() -> None:
    """Pydantic would quote what it was given, which may be a payload."""
    from contextworker.core.logs.exceptions import sentence_of  # noqa: PLC0415

    class Model(BaseModel):
        price: int

    with pytest.raises(ValidationError) as refused:
        Model.model_validate({"price": MARK})

    assert "price: Input should be a valid integer, unable to parse string as an integer" == (
        sentence_of(refused.value)
    )


async def test_records_of_work_say_whose_it_is(
    temporal: TemporalServer, temporal_client: Client
) -> None:
    """In workflows and activities alike, also in threads; what is replayed is said once."""
    from chatty import run_chatty  # noqa: PLC0415 - a workflow, which logs

    unit = ContextUnit(payload={"tenant_id": "acme"})
    lines = await run_chatty(temporal.environment, temporal_client, unit)

    events = [
        line["event"] for line in lines if line["logger"] in {"chatty", "temporalio.workflow"}
    ]
    assert ["begun", "by the SDK", "in an activity", "in a thread", "in a local activity"] == (
        events[:5]
    )
    assert ["ended", "asked"] == events[-2:]
    assert len(set(events)) == len(events)
    for line in (each for each in lines if each["event"] in events):
        assert (str(unit.trace_id), "acme", "chatty-1", "chatter", "chatty", 1) == (
            line["trace_id"],
            line["tenant_id"],
            line["workflow_id"],
            line["module"],
            line["workflow_type"],
            line["attempt"],
        )
    told = {line["event"]: line.get("activity") for line in lines}
    assert (None, "talk", "talk") == (
        told["begun"],
        told["in a thread"],
        told["in a local activity"],
    )


async def test_what_is_replayed_was_said_before(
    temporal: TemporalServer, temporal_client: Client
) -> None:
    """Temporal plays a run's history again on every worker that it comes to."""
    from chatty import ChattyWorkflow, talk  # noqa: PLC0415 - as above

    unit = ContextUnit(payload={})
    async with Worker(
        temporal_client, task_queue="chatty-replay", workflows=[ChattyWorkflow], activities=[talk]
    ):
        handle = await temporal_client.start_workflow(
            "chatty", unit, id="chatty-2", task_queue="chatty-replay"
        )
        await handle.result()
    said_again, others_again = io.StringIO(), io.StringIO()
    log = logging.getLogger("chatty")
    handlers: list[logging.Handler] = [
        StderrHandler(said_again),
        logging.StreamHandler(others_again),
    ]
    for handler in handlers:
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        replayer = Replayer(workflows=[ChattyWorkflow], plugins=[ContextPlugin()])
        await replayer.replay_workflow(await handle.fetch_history())
    finally:
        for handler in handlers:
            log.removeHandler(handler)
        log.setLevel(logging.NOTSET)

    assert ("", "begun\nended\n") == (said_again.getvalue(), others_again.getvalue())
