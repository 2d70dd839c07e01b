"""Opening: the URLs understood, and what is said about those that do not work."""

import asyncio
import os
import re
import socket
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import psycopg
import pytest

from contextworker.brain import BrainSettings, ProductRecord, open_brain
from contextworker.brain.frames import frame_of
from contextworker.brain.sql.database import open_database
from contextworker.brain.sql.urls import parse_url
from contextworker.core.errors import ConfigurationError, PermanentError, TransientError

NewUrl = Callable[[], str]


async def refusal(url: str, kind: type[Exception]) -> str:
    """Return the sentence with which opening fails."""
    with pytest.raises(kind) as caught:
        async with open_brain(url):
            pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def end_others(connection: psycopg.Connection) -> None:
    """End every other connection to the database, and wait until each has ended."""
    ended = connection.execute(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    ).fetchall()
    assert {(True,)} == set(ended)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://u:secret@host/db", "unknown scheme 'mysql'"),
        ("postgres://u:secret@host/db", "unknown scheme 'postgres'"),
        ("sqlite+pysqlite:///x.db", "unknown scheme 'sqlite\\+pysqlite'"),
        ("secret", "BRAIN_URL is not a URL"),
        ("postgresql://u:secret@host:port/db", "BRAIN_URL is not a URL"),
        ("", "BRAIN_URL is not a URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://folder/brain.db", "names no file"),
        ("sqlite:///brain.db?mode=ro", "takes no \\?options"),
    ],
)
async def test_url_refused(url: str, sentence: str) -> None:
    """A URL that names no store is refused in a sentence that says what to write instead."""
    said = await refusal(url, ConfigurationError)
    assert re.search(sentence, said)
    assert "secret" not in said


def test_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither settings nor a store's name show a password, wherever the URL holds it."""
    monkeypatch.setenv("BRAIN_URL", "postgresql://user:secret@host:5433/db?password=secret")
    settings = BrainSettings()
    assert "secret" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    name = parse_url(settings.url.get_secret_value()).name
    assert "postgresql://user:***@host:5433/db" == name


async def test_url_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a URL the environment's is opened."""
    monkeypatch.setenv("BRAIN_URL", f"sqlite:///{tmp_path}/env.db")
    async with open_brain() as brain:
        await brain.ping()
    assert (tmp_path / "env.db").exists()


async def test_default_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any setting the Brain is a file in .contextworker, whose folder is made."""
    monkeypatch.delenv("BRAIN_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    async with open_brain() as brain:
        await brain.ping()
    assert (tmp_path / ".contextworker" / "brain.db").exists()


def test_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting with an impossible value is named."""
    monkeypatch.setenv("BRAIN_POOL_SIZE", "none")
    with pytest.raises(ConfigurationError, match=r"^BRAIN_POOL_SIZE: "):
        BrainSettings()


async def test_no_folder(tmp_path: Path) -> None:
    """A file where a folder should be is the operator's to mend."""
    (tmp_path / "file").touch()
    said = await refusal(f"sqlite:///{tmp_path}/file/brain.db", ConfigurationError)
    assert f"the folder of the Brain at sqlite:///{tmp_path}/file/brain.db cannot be made" in said


async def test_folder_in_place_of_the_file(tmp_path: Path) -> None:
    """A folder where the file should be is the operator's to mend."""
    said = await refusal(f"sqlite:///{tmp_path}", ConfigurationError)
    assert f"the Brain at sqlite:///{tmp_path} cannot be opened: unable to open" in said


async def test_not_a_database(tmp_path: Path) -> None:
    """A file of something else is left alone."""
    (tmp_path / "brain.db").write_text("a shopping list, long enough to be looked at" * 50)
    said = await refusal(f"sqlite:///{tmp_path}/brain.db", ConfigurationError)
    assert "file is not a database" in said


async def test_no_server() -> None:
    """A server that does not answer may answer later."""
    said = await refusal("postgresql://user:secret@127.0.0.1:1/db", TransientError)
    assert "the Brain at postgresql://user:***@127.0.0.1:1/db does not answer now" in said
    assert "secret" not in said


async def test_no_such_database(new_postgresql: NewUrl) -> None:
    """A database that the server does not have is the operator's to make."""
    said = await refusal(re.sub("brain[0-9]+", "nowhere", new_postgresql()), ConfigurationError)
    assert 'database "nowhere" does not exist' in said


async def test_locked_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another program keeps locked may be free later."""
    url = f"sqlite:///{tmp_path}/brain.db"
    monkeypatch.setenv("BRAIN_STATEMENT_TIMEOUT_S", "1")
    async with open_brain(url) as brain:
        blocker = sqlite3.connect(tmp_path / "brain.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            TransientError, match="does not answer now: database is locked"
        ) as caught:
            await brain.start_run("t", run_id="1", workflow_id="w", supplier_code="s")
        # A cause would make it too long for Temporal to show while it is tried again.
        assert caught.value.__cause__ is None
        blocker.execute("ROLLBACK")
        blocker.close()
        await brain.start_run("t", run_id="1", workflow_id="w", supplier_code="s")


async def test_openings_of_a_new_file_at_once(tmp_path: Path) -> None:
    """Connections that find no file yet all prepare it, and none is told that it is locked."""

    async def look(number: int) -> None:
        async with open_brain(f"sqlite:///{tmp_path}/{number}.db") as brain:
            await brain.ping()

    for number in range(4):
        await asyncio.gather(*(look(number) for _ in range(8)))


async def test_slow_statement(new_postgresql: NewUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that waits too long is given up, to be tried again later."""
    url = new_postgresql()
    async with open_brain(url):
        pass
    monkeypatch.setenv("BRAIN_STATEMENT_TIMEOUT_S", "3")
    async with open_brain(url) as brain:
        with psycopg.connect(url) as blocker:
            blocker.execute("LOCK TABLE runs")
            with pytest.raises(TransientError, match="statement timeout"):
                await brain.list_runs("t")
        assert [] == await brain.list_runs("t")


async def test_connections_lost(new_postgresql: NewUrl) -> None:
    """Connections that the server ended while idle are replaced, unnoticed."""
    url = new_postgresql()
    async with open_brain(url) as brain:
        await brain.ping()
        with psycopg.connect(url, autocommit=True) as other:
            end_others(other)
        await brain.ping()


async def test_a_server_that_went_silent_is_given_up(new_postgresql: NewUrl) -> None:
    """Its connection is pinged, by the system; without that an answer is awaited for two hours."""
    url = new_postgresql()
    sockets = parse_qs(urlsplit(url).query)["host"][0]

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_unix_connection(f"{sockets}/.s.PGSQL.5432")
        await asyncio.gather(pass_on(reader, asks), pass_on(answers, writer))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        name = urlsplit(url).path
        settings = BrainSettings()
        target = parse_url(f"postgresql://postgres@127.0.0.1:{port}{name}")
        async with (
            open_database(target, settings) as database,
            database._reader.connect() as connection,
        ):
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, psycopg.AsyncConnection)
            with socket.socket(fileno=os.dup(driver.pgconn.socket)) as wire:
                idle_s = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
                unheard_ms = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    assert (15, 30_000) == (idle_s, unheard_ms)


def test_naming_the_brain_is_light(environment: dict[str, str]) -> None:
    """A program that only names the Brain loads no database library: workers must start fast."""
    code = (
        "import sys, contextworker.brain; "
        "print([name for name in ('sqlalchemy', 'alembic', 'psycopg') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    assert "[]\n" == ran.stdout


def test_without_polars(environment: dict[str, str], tmp_path: Path) -> None:
    """A worker that only reads and enriches needs no polars; storing says what to install."""
    code = """
import asyncio, sys
sys.modules["polars"] = None

from contextworker.brain import ProductRecord, open_brain


async def main():
    async with open_brain("sqlite:///brain.db") as brain:
        assert [] == await brain.list_products("t", limit=1)
        for call in (
            brain.upsert_products("t", [], run_id="1"),
            brain.store_products("t", None, dealer_code="d", run_id="1"),
            anext(brain.known_products("t", dealer_code="d")),
        ):
            try:
                await call
            except Exception as error:
                print(type(error).__name__, error)


asyncio.run(main())
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    said = (
        "ConfigurationError moving products by the batch needs polars, which is not installed: "
        'install "contextworker-brain[frames]"\n'
    )
    assert said * 3 == ran.stdout


async def test_lost_past_sqlalchemy(
    new_postgresql: NewUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection lost where the driver is used directly is no less to be tried again."""
    url = new_postgresql()
    monkeypatch.setattr("contextworker.brain.sql.known.ROWS", 1)
    items = [ProductRecord(sku=sku, name="Tent", dealer_code="d") for sku in "ab"]
    async with open_brain(url) as brain:
        await brain.store_products("t", frame_of(items), dealer_code="d", run_id="1")
        known = brain.known_products("t", dealer_code="d")
        await anext(known)
        with psycopg.connect(url, autocommit=True) as other:
            end_others(other)
        with pytest.raises(TransientError, match="does not answer now"):
            await anext(known)
        assert 2 == len(await brain.list_products("t"))


async def test_refused_past_sqlalchemy(new_postgresql: NewUrl) -> None:
    """What the driver refuses of a batch is said in a line, without the batch."""
    items = [ProductRecord(sku="a", name="Tent", dealer_code="d")]
    frame = frame_of(items).with_columns(description=pl.lit("secret\0"))
    async with open_brain(new_postgresql()) as brain:
        with pytest.raises(PermanentError, match="refuses this: invalid byte") as caught:
            await brain.store_products("t", frame, dealer_code="d", run_id="1")
        assert "secret" not in "".join(traceback.format_exception(caught.value))
        assert [] == await brain.list_products("t")
