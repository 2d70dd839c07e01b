"""What the container tests share: an engine, the images, and the servers on one network."""

import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from running_containers import (
    BRAIN_URL,
    GATEWAY_PORT,
    IMAGES,
    MEMBERS,
    Containers,
    Images,
    hardened,
    temporal_on,
)
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import LogMessageWaitStrategy


@pytest.hookimpl(tryfirst=True)  # before -m chooses by these marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder; skip it where no engine answers, unless CI says one must."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    reason = _what_is_missing() if here else ""
    for item in here:
        item.add_marker(pytest.mark.containers)
        item.add_marker(pytest.mark.timeout(600))  # the first one builds the images
        if reason and not os.environ.get("CONTEXTWORKER_REQUIRE_DOCKER"):
            item.add_marker(pytest.mark.skip(reason))


def _what_is_missing() -> str:
    try:
        answer = subprocess.run(
            ["docker", "version"], capture_output=True, text=True, timeout=20, check=False
        )
        silence = (answer.stderr.strip() or "it says nothing") if answer.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        silence = str(error)
    if silence:
        return f"no Docker answers ({silence}); .ci/containers brings one of its own"
    which = os.environ.get("CONTEXTWORKER_TEST_IMAGES", "")
    if which not in IMAGES:
        return (
            f"CONTEXTWORKER_TEST_IMAGES is {which!r}, not {' or '.join(IMAGES)}: set it to "
            "official to use a registry's images, or run .ci/containers, which makes its own"
        )
    return ""


@pytest.fixture(scope="session")
def engine() -> Images:
    """The images to build on, where an engine answers."""
    if missing := _what_is_missing():
        pytest.fail(f"the container tests must run here: {missing}", pytrace=False)
    return IMAGES[os.environ["CONTEXTWORKER_TEST_IMAGES"]]


@pytest.fixture(scope="session")
def images(engine: Images) -> Mapping[str, str]:
    """Each member's image, by the member's short name."""
    return {member: engine.build(member) for member in MEMBERS}


@pytest.fixture(scope="session")
def network(engine: Images) -> Iterator[Network]:
    """A Docker network of the session's own."""
    with Network() as network:
        yield network


@pytest.fixture(scope="session")
def postgresql(engine: Images, network: Network) -> Iterator[str]:
    """A PostgreSQL server called `postgresql`; yields the URL for this side of the network."""
    with (
        PostgresContainer(
            engine.postgresql, username="brain", password="secret", dbname="brain", driver=None
        )
        .with_network(network)
        .with_network_aliases("postgresql") as container
    ):
        yield container.get_connection_url()


@pytest.fixture(scope="session")
def temporal(engine: Images, network: Network) -> Iterator[DockerContainer]:
    """A Temporal server called `temporal`."""
    with temporal_on(engine, network, "temporal") as container:
        yield container


@pytest.fixture(scope="session")
def containers(
    images: Mapping[str, str], network: Network, temporal: DockerContainer, postgresql: str
) -> Iterator[Containers]:
    """Temporal, PostgreSQL and the gateway, as containers on one network."""
    volume = f"contextworker-{uuid.uuid4().hex[:8]}"
    migration = DockerContainer(images["brain"], network=network, env={"BRAIN_URL": BRAIN_URL})
    with hardened(migration):
        assert 0 == migration.wait(), migration.get_logs()
    gateway = (
        DockerContainer(images["gateway"], network=network)
        .with_network_aliases("gateway")
        .with_env("TEMPORAL_ADDRESS", "temporal:7233")
        .with_env("CONTEXTWORKER_GATEWAY_INSECURE", "true")
        .with_exposed_ports(GATEWAY_PORT)
        .waiting_for(LogMessageWaitStrategy("health: serving"))
    )
    with hardened(gateway):
        port = gateway.get_exposed_port(GATEWAY_PORT)
        yield Containers(network=network, images=images, gateway_port=port, volume=volume)
    subprocess.run(["docker", "volume", "rm", "--force", volume], capture_output=True, check=True)
