"""TLS of the gateway's port: who is let in, and certificates that change while it runs."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from gateway_calls import until
from grpc_health.v1 import health_pb2, health_pb2_grpc
from temporalio.client import Client

from contextcore import ContextUnit, worker_pb2, worker_pb2_grpc
from contextworker.core.errors import ConfigurationError
from contextworker.core.health import LIVENESS
from contextworker.core.probe import probe
from contextworker.core.testing.server import free_port
from contextworker.core.tls import TlsFiles
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.gateway.tls import ReloadingTls


class Folder:
    """The files that an operator mounts."""

    def __init__(self, path: Path) -> None:
        self.certificate, self.key, self.ca = (path / name for name in ("crt", "key", "ca"))

    def put(self, ca: trustme.CA, *, not_after: datetime | None = None) -> None:
        """Write a certificate of an authority, and its key."""
        leaf = ca.issue_cert("localhost", "127.0.0.1", not_after=not_after)
        self.certificate.write_bytes(b"".join(one.bytes() for one in leaf.cert_chain_pems))
        self.key.write_bytes(leaf.private_key_pem.bytes())

    def put_ca(self, ca: trustme.CA) -> None:
        """Write whose clients are let in."""
        self.ca.write_bytes(ca.cert_pem.bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder for certificates."""
    return Folder(tmp_path)


@asynccontextmanager
async def serving(client: Client, folder: Folder, **more: Any) -> AsyncIterator[int]:
    """Run a gateway with TLS."""
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=1,
        gateway_temporal_timeout_s=20,
        gateway_tls_cert_file=folder.certificate,
        gateway_tls_key_file=folder.key,
        **more,
    )
    async with gateway(client, settings) as port:
        yield port


async def answers(port: int, roots: trustme.CA, client: trustme.LeafCert | None = None) -> str:
    """Make one call over a connection of its own; returns how it ended.

    It asks whether the gateway lives, for which Temporal is not asked.
    """
    credentials = grpc.ssl_channel_credentials(
        roots.cert_pem.bytes(),
        client.private_key_pem.bytes() if client else None,
        b"".join(one.bytes() for one in client.cert_chain_pems) if client else None,
    )
    # A pool of its own: else gRPC might use the connection of an earlier call.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            await stub.Check(health_pb2.HealthCheckRequest(service=LIVENESS), timeout=30)
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
    return "OK"


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what is said of broken files; others of this process may have errors of their own."""
    said = [it for it in caplog.records if it.name == "contextworker.core.tls"]
    return [it.getMessage() for it in said if it.levelno == logging.ERROR]


async def test_a_new_certificate_is_served_without_a_restart(
    temporal_client: Client, folder: Folder
) -> None:
    """A client that trusts only the new authority is let in by the same running gateway."""
    before, after = trustme.CA(), trustme.CA()
    folder.put(before)
    async with serving(temporal_client, folder) as port:
        assert ["OK", "UNAVAILABLE"] == [await answers(port, before), await answers(port, after)]
        folder.put(after)
        assert ["UNAVAILABLE", "OK"] == [await answers(port, before), await answers(port, after)]


async def test_a_broken_certificate_keeps_the_old_one_and_is_told_once(
    temporal_client: Client, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    """A renewal gone wrong is a line in the log and no outage; the next good one is served."""
    before, after = trustme.CA(), trustme.CA()
    folder.put(before)
    async with serving(temporal_client, folder) as port:
        folder.key.write_text("nonsense")
        during = [await answers(port, before) for _ in range(3)]
        folder.put(after)
        afterwards = await answers(port, after)

    assert (["OK"] * 3, "OK") == (during, afterwards)
    told = errors(caplog)
    kept = "the gateway goes on with the certificate it has"
    assert [f"{folder.key} holds no private key in PEM format; {kept}"] == told


async def test_an_expired_certificate_does_not_replace_another(
    temporal_client: Client, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    """An old file put back by mistake would keep every client out."""
    ca = trustme.CA()
    folder.put(ca)
    async with serving(temporal_client, folder) as port:
        folder.put(ca, not_after=datetime(2020, 1, 1, tzinfo=UTC))
        assert ["OK", "OK"] == [await answers(port, ca) for _ in range(2)]
    told = errors(caplog)
    kept = "the gateway goes on with the certificate it has"
    assert [f"{folder.certificate} expired at 2020-01-01 00:00:00+00:00; {kept}"] == told


async def test_files_that_vanish_for_a_while_keep_the_old_certificate(
    temporal_client: Client, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    """Between the two steps of a replacement, too."""
    ca = trustme.CA()
    folder.put(ca)
    async with serving(temporal_client, folder) as port:
        folder.certificate.unlink()
        assert ["OK", "OK"] == [await answers(port, ca) for _ in range(2)]
        folder.put(ca)
        assert "OK" == await answers(port, ca)
    assert 1 == sum("cannot be read: No such file" in it.getMessage() for it in caplog.records)


async def test_only_clients_of_the_authority_are_let_in(
    temporal_client: Client, folder: Folder
) -> None:
    """Not without a certificate, not with another's; and the authority may change, too."""
    server, ours, theirs = trustme.CA(), trustme.CA(), trustme.CA()
    folder.put(server)
    folder.put_ca(ours)
    mine, other = ours.issue_cert("commerce"), theirs.issue_cert("stranger")
    async with serving(temporal_client, folder, gateway_tls_client_ca_file=folder.ca) as port:
        assert "UNAVAILABLE" == await answers(port, server)
        assert "UNAVAILABLE" == await answers(port, server, other)
        assert "OK" == await answers(port, server, mine)

        folder.put_ca(theirs)
        assert "UNAVAILABLE" == await answers(port, server, mine)
        assert "OK" == await answers(port, server, other)


async def test_plain_text_is_not_answered(temporal_client: Client, folder: Folder) -> None:
    """A port with TLS is that only."""
    folder.put(trustme.CA())
    async with (
        serving(temporal_client, folder) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub = worker_pb2_grpc.WorkerServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ListModules(ContextUnit().to_protobuf(worker_pb2), timeout=30)
    assert grpc.StatusCode.UNAVAILABLE == refused.value.code()


async def test_probes_have_a_port_without_tls(temporal_client: Client, folder: Folder) -> None:
    """Kubernetes' gRPC probes can do no TLS, and have no client certificate."""
    folder.put(trustme.CA())
    folder.put_ca(trustme.CA())
    address = f"127.0.0.1:{free_port()}"
    async with (
        serving(
            temporal_client,
            folder,
            gateway_tls_client_ca_file=folder.ca,
            gateway_health_address=address,
            gateway_health_interval_s=0.1,
        ),
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub: Any = health_pb2_grpc.HealthStub(channel)

        async def asked(service: str) -> int:
            question = health_pb2.HealthCheckRequest(service=service)
            return int((await stub.Check(question, timeout=30)).status)

        for service in ("", LIVENESS, "contextworker.WorkerService"):
            await until(partial(asked, service), lambda status: status == 1)
        unknown = worker_pb2_grpc.WorkerServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await unknown.ListModules(ContextUnit().to_protobuf(worker_pb2), timeout=30)
    assert grpc.StatusCode.UNIMPLEMENTED == refused.value.code()
    assert probe(address)  # it ends with the gateway


async def test_a_probe_port_in_use_is_a_sentence(temporal_client: Client, folder: Folder) -> None:
    """It names the variable."""
    folder.put(trustme.CA())
    async with serving(temporal_client, folder) as port:
        settings = GatewaySettings(port=0, gateway_health_address=f"127.0.0.1:{port}")
        with pytest.raises(ConfigurationError, match="CONTEXTWORKER_GATEWAY_HEALTH_ADDRESS"):
            async with gateway(temporal_client, settings):
                pass


def locked(key: bytes) -> bytes:
    """Put a password on a key."""
    private = load_pem_private_key(key, password=None)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw"))


def test_files_that_do_not_fit_are_a_sentence(folder: Folder) -> None:
    """At the start, where somebody reads it."""
    files = TlsFiles(folder.certificate, folder.key, folder.ca)

    def refusal() -> str:
        with pytest.raises(ConfigurationError) as refused:
            ReloadingTls(files)
        return str(refused.value)

    assert f"the gateway cannot serve TLS: {folder.certificate} cannot be read: " in refusal()
    folder.put(trustme.CA())
    folder.put_ca(trustme.CA())
    good = folder.key.read_bytes()
    folder.key.write_bytes(trustme.CA().issue_cert("localhost").private_key_pem.bytes())
    assert "is not that of the first certificate in" in refusal()
    folder.key.write_bytes(locked(good))
    assert "has a password; store it without one" in refusal()
    folder.key.write_bytes(folder.certificate.read_bytes())
    assert "holds no private key in PEM format" in refusal()
    folder.key.write_bytes(good)
    folder.ca.write_bytes(good)
    assert f"{folder.ca} holds no certificate in PEM format" in refusal()
    folder.ca.write_bytes(os.urandom(50))
    assert f"{folder.ca} holds no certificate in PEM format" in refusal()
