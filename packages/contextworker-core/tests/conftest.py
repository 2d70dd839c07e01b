"""One Temporal server for the core's tests, and a gateway that does as it is told."""

from collections.abc import Iterator
from typing import Any

import pytest
from both_clients import Loop, MakeClient, maker
from scripted_gateway import ScriptedGateway

from contextworker.core.testing.fixtures import temporal, temporal_client

__all__ = ["temporal", "temporal_client"]


@pytest.fixture(scope="session")
def client_loop() -> Iterator[Loop]:
    """The event loop of async clients under test."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def scripted() -> Iterator[ScriptedGateway]:
    """A scripted gateway on loopback."""
    gateway = ScriptedGateway()
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture(params=["sync", "async"])
def make_client(request: pytest.FixtureRequest, client_loop: Loop) -> Iterator[MakeClient]:
    """Make clients, sync or async ones; they are closed with the test."""
    opened: list[Any] = []
    yield maker(request.param, client_loop, opened)
    for client in opened:
        client.close()


@pytest.fixture
def client(make_client: MakeClient, scripted: ScriptedGateway) -> Any:
    """A client of the scripted gateway, sync or async; as patient as a busy machine needs."""
    return make_client(scripted.address, timeout=60, attempt_timeout=30)
