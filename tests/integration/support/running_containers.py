"""The system in containers: one Docker network, and every image as deploy/Dockerfile builds it."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from contextcore import ContextUnit, worker_pb2, worker_pb2_grpc

T = TypeVar("T")
ROOT = Path(__file__).parents[3]
MEMBERS = ["gateway", "codec-server", "harvest", "gardener", "sandbox", "brain", "cli"]
ALSO = {"sandbox": "brain"}
"""What an image holds besides its member and what that needs: code may ask the Brain."""
CLOSED = {"completed", "failed", "cancelled", "terminated", "timed_out"}
GATEWAY_PORT = 50052
BRAIN_URL = "postgresql://brain:secret@postgresql:5432/brain"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Images:
    """What stands under the tests: `local` ones of .ci/containers, or `official` ones."""

    base: str
    builder: str
    source: str
    temporal: str
    postgresql: str

    def build(self, member: str) -> str:
        """Build a member's image; returns its name."""
        name = f"contextworker/{member}:test"
        arguments = {
            "BASE": self.base,
            "BUILDER": self.builder,
            "SOURCE": self.source,
            "MEMBER": member,
            "ALSO": ALSO.get(member, ""),
            "COMMIT": COMMIT,
        }
        command = ["docker", "build", "--file", "deploy/Dockerfile", "--tag", name]
        for key, value in arguments.items():
            command += ["--build-arg", f"{key}={value}"]
        done = subprocess.run(
            [*command, "."],
            cwd=ROOT,
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, f"the image of {member} cannot be built:\n{done.stderr}"
        return name


(_DEFAULT_BASE,) = re.findall(
    r"^ARG BASE=(\S+)$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE
)
IMAGES = {
    "local": Images(
        base="contextworker-test/base",
        builder="contextworker-test/builder",
        source="wheels",
        temporal="contextworker-test/temporal",
        postgresql="contextworker-test/postgresql",
    ),
    "official": Images(
        base=_DEFAULT_BASE,
        builder=_DEFAULT_BASE,
        source="pypi",
        temporal="temporalio/temporal:1.9.1",
        postgresql="postgres:18",
    ),
}


def hardened(container: DockerContainer, **options: Any) -> DockerContainer:
    """Confine a container as deployments do: it can write to /tmp and to its volumes, no more."""
    return container.with_tmpfs_mount("/tmp").with_kwargs(
        read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges:true"], **options
    )


def temporal_on(images: Images, network: Network, name: str) -> DockerContainer:
    """Return a Temporal server of that name on the network, ready once it has started."""
    return (
        DockerContainer(images.temporal, network=network)
        .with_network_aliases(name)
        .with_command(["server", "start-dev", "--ip", "0.0.0.0", "--headless", "--log-level=warn"])
        .waiting_for(LogMessageWaitStrategy("Temporal Server:"))
    )


@dataclass(frozen=True)
class Containers:
    """A network with Temporal, PostgreSQL and the gateway on it, and images for more."""

    network: Network
    images: Mapping[str, str]
    gateway_port: int
    volume: str

    @contextmanager
    def worker(
        self, member: str, *, examples: Path = ROOT / "examples", **variables: str
    ) -> Iterator[DockerContainer]:
        """Run a worker, hardened as deployments run it, until the block ends."""
        environment = {
            "TEMPORAL_ADDRESS": "temporal:7233",
            "BRAIN_URL": BRAIN_URL,
            "WORKER_ADDRESS": f"gateway:{GATEWAY_PORT}",
            **variables,
        }
        container = (
            DockerContainer(self.images[member], network=self.network, env=environment)
            .with_volume_mapping(examples, "/srv/examples", "ro")
            .with_volume_mapping(self.volume, "/data", "rw")
            .with_env("CONTEXTWORKER_SUPPLIERS_DIR", "/srv/examples/suppliers")
        )
        with hardened(container):
            says(container, f"polls {member}-tasks")
            yield container

    def call(self, method: str, **payload: object) -> dict[str, Any]:
        """Send one unit to the gateway, as a caller does; returns the answer's payload."""
        unit = ContextUnit(payload=payload, provenance=["commerce:trigger"])
        with grpc.insecure_channel(f"127.0.0.1:{self.gateway_port}") as channel:
            stub = worker_pb2_grpc.WorkerServiceStub(channel)
            response = getattr(stub, method)(unit.to_protobuf(worker_pb2), timeout=60)
        return ContextUnit.from_protobuf(response).payload

    def finish(self, workflow_id: str) -> dict[str, Any]:
        """Wait until a run is closed; returns its status."""
        return until(
            lambda: self.call("GetTaskStatus", workflow_id=workflow_id),
            lambda status: status["status"] in CLOSED,
        )


def until(ask: Callable[[], T], wanted: Callable[[T], bool], *, timeout_s: float = 180) -> T:
    """Ask again until the answer is as wanted; the last answer is in the failure."""
    deadline = time.monotonic() + timeout_s
    while not wanted(answer := ask()):
        assert time.monotonic() < deadline, f"still not as wanted: {answer}"
        time.sleep(0.1)
    return answer


def log(container: DockerContainer) -> str:
    """Return what a container has written so far."""
    return b"".join(container.get_logs()).decode()


def says(container: DockerContainer, words: str) -> None:
    """Wait until a container has written something."""
    until(lambda: log(container), lambda text: words in text)


def state(container: DockerContainer) -> dict[str, Any]:
    """Return what Docker says of a container's state: Status, ExitCode, Health."""
    wrapped = container.get_wrapped_container()
    wrapped.reload()
    found: dict[str, Any] = wrapped.attrs["State"]
    return found
