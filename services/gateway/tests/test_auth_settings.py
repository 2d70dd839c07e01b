"""Settings of identity and TLS: what cannot be is a sentence that names the variables."""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from contextworker.core.errors import ConfigurationError
from contextworker.gateway.listening import tell_exposure
from contextworker.gateway.settings import GatewaySettings

PREFIX = "CONTEXTWORKER_GATEWAY_"
SECRET = "x" * 32
URL = "https://login.example/jwks.json"
NAMED = {"AUTH_ISSUER": "https://login.example/", "AUTH_AUDIENCE": "contextworker"}


def settings(monkeypatch: pytest.MonkeyPatch, **variables: str) -> GatewaySettings:
    """Read settings from the environment; names are given without the prefix."""
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    return GatewaySettings()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        pytest.param({"AUTH_SECRET": "x" * 31}, "AUTH_SECRET: is shorter than 32", id="short"),
        pytest.param(
            {"AUTH_SECRET": f"-----BEGIN PUBLIC KEY-----\n{SECRET}\n-----END PUBLIC KEY-----"},
            "AUTH_SECRET: is a key of its own kind",
            id="secret_that_is_a_public_key",
        ),
        pytest.param(
            {"AUTH_SECRET": SECRET, "AUTH_JWKS": URL, **NAMED},
            "AUTH_JWKS and CONTEXTWORKER_GATEWAY_AUTH_SECRET are both set",
            id="secret_and_jwks",
        ),
        pytest.param(
            {"AUTH_JWKS": URL},
            "AUTH_JWKS is set without CONTEXTWORKER_GATEWAY_AUTH_ISSUER and "
            "CONTEXTWORKER_GATEWAY_AUTH_AUDIENCE",
            id="jwks_alone",
        ),
        pytest.param(
            {"AUTH_JWKS": URL, "AUTH_ISSUER": "i"},
            "AUTH_JWKS is set without CONTEXTWORKER_GATEWAY_AUTH_AUDIENCE:",
            id="audience_missing",
        ),
        pytest.param(
            NAMED, "AUTH_AUDIENCE says what tokens must say, and neither", id="nothing_to_verify"
        ),
        pytest.param(
            {"AUTH_JWKS": "http://login.example/jwks.json", **NAMED},
            "AUTH_JWKS: must be an https URL",
            id="http",
        ),
        pytest.param(
            {"AUTH_JWKS": "https://me:hunter2@login.example/", **NAMED},
            "AUTH_JWKS: must be a URL without a user",
            id="password_in_url",
        ),
        pytest.param(
            {"AUTH_JWKS": "ftp://login.example/", **NAMED},
            "AUTH_JWKS: must be a file's path or an https URL",
            id="ftp",
        ),
        pytest.param(
            {"AUTH_JWKS": "https:///jwks.json", **NAMED},
            "AUTH_JWKS: must be a file's path or an https URL",
            id="url_without_host",
        ),
        pytest.param(
            {"AUTH_JWKS": "/no/such.json", **NAMED}, "/no/such.json is no file", id="no_file"
        ),
        pytest.param({"AUTH_LEEWAY_S": "301"}, "AUTH_LEEWAY_S: ", id="leeway"),
        pytest.param({"AUTH_MAX_AGE_S": "60"}, "AUTH_MAX_AGE_S must be larger than", id="max_age"),
        pytest.param(
            {"TLS_CERT_FILE": __file__},
            "TLS_CERT_FILE is set without CONTEXTWORKER_GATEWAY_TLS_KEY_FILE",
            id="certificate_without_key",
        ),
        pytest.param(
            {"TLS_CLIENT_CA_FILE": __file__},
            "TLS_CLIENT_CA_FILE is set without CONTEXTWORKER_GATEWAY_TLS_CERT_FILE and ",
            id="client_ca_alone",
        ),
        pytest.param(
            {"TLS_CERT_FILE": __file__, "TLS_KEY_FILE": "/no/key.pem"},
            "TLS_KEY_FILE: /no/key.pem is no file",
            id="no_key_file",
        ),
    ],
)
def test_what_cannot_be_is_told_by_its_variables(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    """One sentence for the operator, and no secret in it."""
    with pytest.raises(ConfigurationError, match=re.escape(PREFIX)) as refused:
        settings(monkeypatch, **variables)

    assert said in str(refused.value)
    assert not any(secret in str(refused.value) for secret in ("xxxx", "hunter2"))


@pytest.mark.parametrize(
    "where", ["https://login.example/jwks.json", "http://127.0.0.1:8/", "http://[::1]:8/", __file__]
)
def test_a_jwks_is_at_an_https_url_or_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Only who cannot be overheard, or replaced on the way."""
    assert where == settings(monkeypatch, AUTH_JWKS=where, **NAMED).gateway_auth_jwks


def test_settings_print_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """They end up in logs and bug reports."""
    read = settings(monkeypatch, AUTH_SECRET=SECRET)

    assert SECRET not in f"{read!r} {read} {read.model_dump()} {read.model_dump_json()}"


@pytest.mark.parametrize(
    ("variables", "warned"),
    [
        pytest.param({"HOST": "127.0.0.1"}, "", id="loopback"),
        pytest.param(
            {"HOST": "0.0.0.0", "INSECURE": "true"}, "Whoever reaches this port", id="insecure"
        ),
        pytest.param(
            {
                "HOST": "0.0.0.0",
                "INSECURE": "true",
                "TLS_CERT_FILE": __file__,
                "TLS_KEY_FILE": __file__,
                "TLS_CLIENT_CA_FILE": __file__,
            },
            "Whoever holds a client certificate",
            id="insecure_with_client_certificates",
        ),
        pytest.param({"HOST": "0.0.0.0", "AUTH_SECRET": SECRET}, "no TLS: tokens", id="tokens"),
        pytest.param(
            {"HOST": "0.0.0.0", "AUTH_SECRET": SECRET, "INSECURE": "true"},
            "no TLS: tokens",
            id="tokens_insecure",
        ),
        pytest.param(
            {
                "HOST": "0.0.0.0",
                "AUTH_SECRET": SECRET,
                "TLS_CERT_FILE": __file__,
                "TLS_KEY_FILE": __file__,
            },
            "",
            id="tokens_and_tls",
        ),
    ],
)
def test_exposure_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variables: dict[str, str],
    warned: str,
) -> None:
    """One warning at each start where others than the right ones could call, or listen."""
    caplog.set_level(logging.INFO)

    tell_exposure(settings(monkeypatch, **variables))

    told = [it.getMessage() for it in caplog.records if it.levelno == logging.WARNING]
    assert (1 if warned else 0) == len(told)
    assert warned in "".join(told)


@pytest.mark.parametrize(
    "program", [["contextworker.gateway"], ["contextworker"]], ids=lambda program: program[0]
)
def test_the_flag_lets_it_bind_and_says_so_loudly(program: list[str]) -> None:
    """`--insecure`, in both ways to start a gateway."""
    environment = os.environ | {PREFIX + "HOST": "0.0.0.0", "WORKER_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", *program, "--insecure"],
        env=environment | {"TEMPORAL_ADDRESS": "127.0.0.1:1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr
        try:
            warned = next((line for line in running.stderr if "INSECURE" in line), "")
        finally:
            running.send_signal(signal.SIGTERM)
            running.communicate(timeout=30)

    assert '"level": "warning"' in warned
    assert 0 == running.returncode


def test_strangers_do_not_fill_the_log(tmp_path: Path) -> None:
    """Whoever connects without TLS is dropped in silence, whatever gRPC's own log would say."""
    leaf = trustme.CA().issue_cert("localhost")
    files = {"CERT": tmp_path / "crt", "KEY": tmp_path / "key"}
    files["CERT"].write_bytes(leaf.cert_chain_pems[0].bytes())
    files["KEY"].write_bytes(leaf.private_key_pem.bytes())
    tls = {f"{PREFIX}TLS_{name}_FILE": str(file) for name, file in files.items()}
    quiet = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"}
    with subprocess.Popen(
        [sys.executable, "-m", "contextworker.gateway"],
        env=quiet | tls | {"WORKER_PORT": "0", "TEMPORAL_ADDRESS": "127.0.0.1:1"},
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr
        found = (re.search(r'listening on 127\.0\.0\.1:(\d+)"', it) for it in running.stderr)
        try:
            port = next(int(match[1]) for match in found if match)
            with socket.create_connection(("127.0.0.1", port), timeout=30) as stranger:
                stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
                assert b"" == stranger.recv(1)
        finally:
            running.send_signal(signal.SIGTERM)
            _, rest = running.communicate(timeout=30)

    assert "andshake" not in rest


def test_without_the_flag_it_does_not_start() -> None:
    """One sentence, exit code 1, no traceback."""
    ended = subprocess.run(
        [sys.executable, "-m", "contextworker.gateway"],
        env=os.environ | {PREFIX + "HOST": "0.0.0.0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 1 == ended.returncode
    assert ended.stderr.startswith("error: the gateway does not authenticate its callers")
    assert "--insecure" in ended.stderr
    assert 1 == len(ended.stderr.splitlines())


def test_help_needs_no_settings(tmp_path: Path) -> None:
    """Also where the environment is wrong."""
    ended = subprocess.run(
        [sys.executable, "-m", "contextworker.gateway", "--help"],
        env=os.environ | {PREFIX + "AUTH_SECRET": "short"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 0 == ended.returncode
    assert "--insecure" in ended.stdout
