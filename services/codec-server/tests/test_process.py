"""The executable as an operator has it: a process, its log, its signals, its certificate."""

import asyncio
import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import trustme
from codec_calls import KEY, SECRET, encrypted, served, setting_of, token

from contextworker.codec_server import tls
from contextworker.codec_server.program import codec_server
from contextworker.codec_server.settings import CodecServerSettings
from contextworker.core.errors import ConfigurationError
from contextworker.core.testing.server import free_port
from contextworker.core.tls import TlsFiles

EXECUTABLE = Path(sys.executable).with_name("codec-server")
WITHIN_S = 60
PRIVATE = "the customer's address"


@dataclass
class Running:
    """A codec server's process."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def wait_for(self, said: str) -> str:
        """Wait until the log says something; returns that line."""
        end = time.monotonic() + WITHIN_S
        while True:
            # Without what stands after the last line's end: a line that is being written.
            lines = self.log.read_text().split("\n")[:-1]
            if found := [line for line in lines if said in line]:
                return found[0]
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"never said {said!r}"
            time.sleep(0.02)


@contextmanager
def started(folder: Path, **variables: str) -> Iterator[Running]:
    """Run the executable until the block ends."""
    log = folder / "codec-server.log"
    given = {f"CONTEXTWORKER_{name}": value for name, value in variables.items()}
    with log.open("wb") as stderr:
        process = subprocess.Popen([EXECUTABLE], stderr=stderr, cwd=folder, env=os.environ | given)
    running = Running(process, log)
    try:
        line = running.wait_for("listening on")
        address = next(word for word in line.replace('"', " ").split() if "://" in word)
        running.url = address.rstrip(",")
        yield running
    finally:
        process.kill()
        process.wait()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def letter() -> dict[str, Any]:
    """Encrypt something that nobody else should read."""
    return await encrypted(PRIVATE)


def test_a_process_serves_ends_well_and_tells_nothing(
    tmp_path: Path, letter: dict[str, Any]
) -> None:
    """Health, metrics, a payload, a refused token, SIGTERM with a request in hand; no secret."""
    health, metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
    good, bad = token(), token(secret="another secret of thirty-two bytes")
    with (
        started(
            tmp_path,
            ENCRYPTION_KEYS=setting_of(k1=KEY),
            CODEC_AUTH_SECRET=SECRET,
            CODEC_PORT="0",
            HEALTH_ADDRESS=health,
            METRICS_ADDRESS=metrics,
            LOG_LEVEL="DEBUG",
        ) as running,
        httpx.Client(base_url=running.url, timeout=WITHIN_S) as http,
    ):
        body = {"payloads": [letter]}
        headers = {"authorization": f"Bearer {good}"}
        probe = subprocess.Popen([sys.executable, "-m", "contextworker.core.probe", health])
        # By one connection: the last request is on its way when the signal comes, not a new client.
        assert {"status": "serving"} == http.get("/health").json()
        assert 0 == probe.wait(WITHIN_S)
        refused = http.post("/decode", json=body, headers={"authorization": f"Bearer {bad}"})
        answer = http.post("/decode", json=body, headers=headers)
        counts = http.get(f"http://{metrics}/metrics").text

        def half() -> Iterator[bytes]:
            sent = json.dumps(body).encode()
            yield sent[:20]
            running.process.send_signal(signal.SIGTERM)
            running.wait_for("SIGTERM")
            yield sent[20:]

        last = http.post("/decode", content=half(), headers=headers)
        code = running.process.wait(WITHIN_S)
        log = running.log.read_text()

    assert [401, 200, 200] == [one.status_code for one in (refused, answer, last)]
    assert PRIVATE == json.loads(base64.b64decode(last.json()["payloads"][0]["data"]))
    assert 0 == code
    assert "codec server stopped" in log
    assert "unauthenticated: bad_signature" in log
    assert 'contextworker_codec_server_payloads_total{outcome="opened"} 1' in counts
    assert [] == [
        word
        for word in (PRIVATE, good, bad, SECRET, setting_of(k1=KEY).partition(":")[2])
        if word in log + counts
    ]
    assert [] == [word for word in ("Traceback", '"exception": ') if word in log]


async def test_a_port_that_is_taken_is_told() -> None:
    """With the setting to change."""
    async with served() as caller:
        settings = CodecServerSettings(codec_port=caller.port)
        with pytest.raises(ConfigurationError, match="set CONTEXTWORKER_CODEC_PORT to another"):
            async with codec_server(settings):
                pass


async def shown(port: int, context: ssl.SSLContext) -> bytes | None:
    """Return the certificate that a server shows."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    assert not await reader.read()
    return certificate if isinstance(certificate, bytes) else None


async def test_it_serves_tls_with_a_certificate_that_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The new one is taken while it runs; a broken one never replaces a good one."""
    monkeypatch.setattr(tls, "LOOK_EVERY_S", 0.02)
    authority = trustme.CA()
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    _write(authority.issue_cert("127.0.0.1"), certificate, key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with served(
        scheme="https", verify=context, codec_tls_cert_file=certificate, codec_tls_key_file=key
    ) as caller:
        assert [7] == await caller.values(await encrypted(7))
        first = await shown(caller.port, context)
        certificate.write_text("broken")
        _write(authority.issue_cert("127.0.0.1"), certificate, key)
        async with asyncio.timeout(WITHIN_S):
            while (second := await shown(caller.port, context)) == first:
                await asyncio.sleep(0.02)
        caplog.clear()  # of what was broken while both were being written
        key.write_text("broken")
        async with asyncio.timeout(WITHIN_S):
            while "goes on with the certificate it has" not in caplog.text:
                await asyncio.sleep(0.02)
        assert second == await shown(caller.port, context)


def test_a_certificate_without_its_key_is_told(tmp_path: Path) -> None:
    """Both files, and what they are not."""
    authority = trustme.CA()
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    _write(authority.issue_cert("127.0.0.1"), certificate, tmp_path / "other.key")
    authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(key)

    with pytest.raises(ConfigurationError, match="is not that of the first certificate"):
        tls.ReloadingTls(TlsFiles(certificate, key))


def _write(issued: trustme.LeafCert, certificate: Path, key: Path) -> None:
    certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
