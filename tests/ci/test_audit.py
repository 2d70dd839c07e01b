"""The audit of dependencies, on a server of this test's own that speaks as OSV does."""

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AUDIT = ROOT / ".ci" / "vulnerabilities.py"
HASH = "--hash=sha256:" + "0" * 64
BAD = ("jinja2", "2.11.2")  # what the audit asks about first
ENTRY = '[[ignored]]\nid = "{id}"\nreason = "we never call it"\nuntil = {until}\n'


class Osv(http.server.ThreadingHTTPServer):
    """What OSV is to the audit: it knows a version of jinja2, and whatever a test tells it."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], dict[str, Any]] = {}
        self.tell(*BAD, "PYSEC-2021-66")
        super().__init__(("127.0.0.1", 0), Answer)

    def tell(self, name: str, version: str, identifier: str, *aliases: str) -> None:
        """Let it know a vulnerability."""
        package = {"name": name, "ecosystem": "PyPI"}
        events = [{"introduced": "0"}, {"fixed": "99"}]
        self.known[name, version] = {
            "id": identifier,
            "aliases": list(aliases),
            "summary": "It does what it should not.",
            "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
        }


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers one question."""

    server: Osv

    def do_POST(self) -> None:
        """Say what is known of a version."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = self.server.known.get((asked["package"]["name"], asked["version"]))
        body = json.dumps({"vulns": [known]} if known else {}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Stay silent."""


@pytest.fixture
def osv() -> Iterator[Osv]:
    """A server on loopback."""
    with Osv() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def audited(
    folder: Path, address: tuple[Any, ...], ignored: str = "", *, required: str = ""
) -> tuple[int, str]:
    """Audit one dependency; returns the exit code and all that was said."""
    (folder / "requirements.txt").write_text(f"tent==1.0 {HASH}\n")
    (folder / "ignored.toml").write_text(ignored)
    done = subprocess.run(
        [
            *(sys.executable, str(AUDIT), str(folder / "requirements.txt")),
            *("--ignored", str(folder / "ignored.toml")),
            *("--osv-url", f"http://{address[0]}:{address[1]}/v1/query"),
        ],
        env={**os.environ, "CONTEXTWORKER_REQUIRE_AUDIT": required},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_service_that_cannot_be_asked_is_said(tmp_path: Path) -> None:
    """It fails only where somebody relies on it; an exception whose time is over fails anyway."""
    nobody = ("127.0.0.1", 1)

    code, said = audited(tmp_path, nobody, ENTRY.format(id="CVE-1", until="2020-01-31"))

    assert (1, True) == (code, "NOT AUDITED: no service" in said)
    assert "error: CVE-1 was ignored until 2020-01-31 (we never call it): look again" in said


@pytest.mark.slow
@pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)], ids=["optional", "required"])
def test_whether_it_must_be_asked_is_said_by_the_environment(
    tmp_path: Path, osv: Osv, required: str, code: int
) -> None:
    """A mirror that never heard of anything is nobody to ask."""
    osv.known.clear()

    ended, said = audited(tmp_path, osv.server_address, required=required)

    assert (code, True) == (ended, "NOT AUDITED: no service" in said)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ignored", "code", "words"),
    [
        pytest.param("", 1, "error: tent 1.0: CVE-1 = GHSA-1, fixed in 99", id="found"),
        pytest.param(ENTRY.format(id="GHSA-1", until="2999-01-31"), 0, "1 vuln", id="ignored"),
        pytest.param(ENTRY.format(id="GHSA-1", until="2020-01-31"), 1, "look again", id="expired"),
        pytest.param(ENTRY.format(id="GHSA-2", until="2999-01-31"), 1, "not there", id="useless"),
    ],
)
def test_what_is_found_fails_unless_it_is_ignored(
    tmp_path: Path, osv: Osv, ignored: str, code: int, words: str
) -> None:
    """By any of its names, until a day, and no longer than it is there."""
    osv.tell("tent", "1.0", "CVE-1", "GHSA-1")

    ended, said = audited(tmp_path, osv.server_address, ignored)

    assert (code, True) == (ended, words in said), said


@pytest.mark.parametrize(
    "entry",
    ['id = "CVE-1"\nuntil = 2999-01-31', 'id = "CVE-1"\nreason = "none"\nuntil = "soon"'],
    ids=["no_reason", "no_day"],
)
def test_an_exception_needs_its_reason_and_its_day(tmp_path: Path, entry: str) -> None:
    """Or nobody would ever look again."""
    code, said = audited(tmp_path, ("127.0.0.1", 1), f"[[ignored]]\n{entry}\n")

    assert (1, True) == (code, "ignored.toml: CVE-1 needs an id, a reason" in said)


def test_every_exception_in_the_code_has_its_reason() -> None:
    """What a tool is told to overlook, a reader is told why."""
    bare = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for folder in ("packages", "services")
        for file in (ROOT / folder).rglob("src/**/*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "# nosec" in line and not re.search(r"# nosec B\d{3} # \w", line)
    ]

    assert [] == bare
