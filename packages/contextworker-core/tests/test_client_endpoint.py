"""Where the client connects to and how: addresses, TLS, tokens in the clear, the environment."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from both_clients import MakeClient
from scripted_gateway import ScriptedGateway

from contextworker.core.client import (
    TLS,
    AsyncWorkerClient,
    CertificateError,
    ClientSettings,
    UnreachableError,
    WorkerClient,
)
from contextworker.core.client.endpoint import Endpoint
from contextworker.core.errors import ConfigurationError


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Signs the certificates."""
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> TLS:
    """The files of a client that has a certificate of its own."""
    own = authority.issue_cert("commerce")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    own.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    own.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    return TLS(**{f"{name}_file": tmp_path / f"{name}.pem" for name in ("ca", "cert", "key")})


@pytest.fixture
def secured(authority: trustme.CA) -> Iterator[ScriptedGateway]:
    """A gateway that speaks TLS and asks for certificates."""
    gateway = ScriptedGateway(answers=[{"modules": []}] * 3)
    own = authority.issue_cert("localhost", "127.0.0.1")
    pair = (own.private_key_pem.bytes(), own.cert_chain_pems[0].bytes())
    ca = authority.cert_pem.bytes()
    gateway.start(credentials=grpc.ssl_server_credentials([pair], ca, require_client_auth=True))
    yield gateway
    gateway.stop()


@pytest.mark.parametrize(
    "address",
    [
        "gateway:50052",
        "10.0.0.1:443",
        "[::1]:50052",
        "dns:///gateway.prod.svc:50052",
        "dns:gateway:50052",
        "ipv4:10.0.0.1:50052",
        "unix:/run/gateway.sock",
        "unix:///run/gateway.sock",
        "unix-abstract:gateway",
    ],
)
def test_addresses_that_are_one(address: str) -> None:
    """What gRPC takes is taken, and nothing is sent to find out."""
    assert address == WorkerClient(address).address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "gateway",
        "http://gateway:50052",
        "gateway:0",
        "gateway:99999",
        "::1:50052",
        "user@gateway:50052",
        "gate way:50052",
        "gateway:50052/path",
        "unix:",
    ],
)
def test_addresses_that_are_none(make_client: MakeClient, address: str) -> None:
    """GRPC would say, much later, that nobody answers."""
    with pytest.raises(ConfigurationError, match="is no address of a gateway: write HOST:PORT"):
        make_client(address)


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("127.0.0.1:1", {}),
        ("localhost:1", {}),
        ("[::1]:1", {}),
        ("unix:/run/gateway.sock", {}),
        ("gateway:1", {"tls": True}),
        ("gateway:1", {"insecure": True}),
    ],
)
def test_a_token_may_travel(make_client: MakeClient, address: str, options: dict[str, Any]) -> None:
    """Over TLS, within the machine, or where the caller says so."""
    make_client(address, token="t", **options)


@pytest.mark.parametrize("address", ["gateway:1", "10.0.0.1:1", "dns:///localhost.evil:1"])
def test_a_token_does_not_travel_in_the_clear(make_client: MakeClient, address: str) -> None:
    """The sentence says what to do about it."""
    with pytest.raises(ConfigurationError, match=r"unencrypted.*tls=True.*insecure=True"):
        make_client(address, token="t")


def test_both_ends_prove_who_they_are(
    make_client: MakeClient, secured: ScriptedGateway, files: TLS
) -> None:
    """A private authority and a client's certificate."""
    assert [] == make_client(secured.address, tls=files, token="t").modules()
    assert "Bearer t" == secured.asked[0].metadata["authorization"]


def test_a_certificate_that_is_not_trusted_is_said_at_once(
    make_client: MakeClient, secured: ScriptedGateway
) -> None:
    """The system's authorities did not sign it; trying again would not help."""
    with pytest.raises(CertificateError, match="no secure connection to 127"):
        make_client(secured.address, tls=True, timeout=60).modules()


def test_tls_towards_a_gateway_without_it_is_said(
    make_client: MakeClient, scripted: ScriptedGateway, files: TLS
) -> None:
    """The other way round than usual."""
    with pytest.raises(CertificateError, match="that the gateway speaks TLS"):
        make_client(scripted.address, tls=files).modules()


def test_a_client_without_tls_gets_no_answer_from_one_with_it(
    make_client: MakeClient, secured: ScriptedGateway
) -> None:
    """What gRPC sees is a connection that breaks; the sentence names TLS all the same."""
    with pytest.raises(UnreachableError, match="TLS"):
        make_client(secured.address, attempts=2).modules()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"ca_file": "none.pem"}, r"none\.pem cannot be read: No such file"),
        ({"ca_file": "text.pem"}, r"text\.pem is no PEM file"),
        ({"key_file": None}, "cert_file is given without key_file"),
        ({"cert_file": None}, "key_file is given without cert_file"),
    ],
    ids=["missing", "no-pem", "no-key", "no-cert"],
)
def test_files_that_do_not_do_are_named(
    files: TLS, tmp_path: Path, changed: dict[str, str | None], says: str
) -> None:
    """At the start, and by their name."""
    (tmp_path / "text.pem").write_text("not a certificate")
    paths = {name: value and tmp_path / value for name, value in changed.items()}
    with pytest.raises(ConfigurationError, match=says):
        WorkerClient("gateway:1", tls=TLS(**{**vars(files), **paths}))


def test_pings_are_as_rare_as_a_gateway_permits() -> None:
    """A gateway drops connections that ping more often than every 10 seconds."""
    endpoint = Endpoint.of("gateway:1", tls=False, sends_token=False, insecure=False)
    assert dict(endpoint.options)["grpc.keepalive_time_ms"] >= 10_000


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any of the client's settings."""
    for name in os.environ:
        if name.startswith("WORKER_"):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("kind", [WorkerClient, AsyncWorkerClient])
def test_a_client_comes_from_the_environment(
    bare: pytest.MonkeyPatch, files: TLS, kind: Any
) -> None:
    """The five variables are all that a deployment has to set."""
    assert "127.0.0.1:50052" == kind.from_environment().address
    bare.setenv("WORKER_ADDRESS", "gateway:50052")
    bare.setenv("WORKER_TOKEN", "secret")
    with pytest.raises(ConfigurationError, match="unencrypted"):
        kind.from_environment()
    bare.setenv("WORKER_TLS_CA_FILE", str(files.ca_file))
    bare.setenv("WORKER_TLS_CERT_FILE", str(files.cert_file))
    bare.setenv("WORKER_TLS_KEY_FILE", str(files.key_file))
    client = kind.from_environment(service="commerce")
    assert "gateway:50052" == client.address
    assert files == ClientSettings().security
    assert "secret" not in repr(ClientSettings())


def test_a_setting_that_cannot_be_is_named(bare: pytest.MonkeyPatch) -> None:
    """By its variable; an empty one is none."""
    bare.setenv("WORKER_TOKEN", "")
    bare.setenv("WORKER_TLS", "")
    assert (None, False) == (ClientSettings().bearer, ClientSettings().security)
    bare.setenv("WORKER_TLS", "perhaps")
    with pytest.raises(ConfigurationError, match=r"^WORKER_TLS: Input should be a valid boolean"):
        WorkerClient.from_environment()


def test_a_trusted_network_may_be_said_to_be_one(bare: pytest.MonkeyPatch) -> None:
    """A worker in a container has no other way to say so."""
    bare.setenv("WORKER_ADDRESS", "gateway:50052")
    bare.setenv("WORKER_TOKEN", "secret")
    with pytest.raises(ConfigurationError, match="unencrypted"):
        WorkerClient.from_environment()
    bare.setenv("WORKER_INSECURE", "true")
    assert "gateway:50052" == WorkerClient.from_environment().address


def test_a_unix_socket_is_an_address(tmp_path: Path) -> None:
    """A gateway beside its caller needs no port."""
    gateway = ScriptedGateway(answers=[{"modules": []}])
    path = f"unix:{tmp_path}/gateway.sock"
    gateway.start(address=path)
    with WorkerClient(path, token="t") as client:
        assert [] == client.modules()
    gateway.stop()
