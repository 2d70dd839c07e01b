"""A worker's container ends in mid-run: what it was doing is finished, by it or by another one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg
import pytest
from running_containers import (
    ROOT,
    Containers,
    Images,
    log,
    says,
    state,
    until,
)
from slow_feed import ROWS
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import PortWaitStrategy
from told_errors import told_errors

PORT = 8080
SUPPLIER = """
name = "Slow Supplier"
currency = "EUR"

[[sources]]
url = "http://feeds:8080/slow.csv"
allow_hosts = ["feeds"]

[mapping]
sku = "sku"
name = "name"
price_retail = "price"
"""
# So long that only a worker that is gone is silent for it, however busy the machine is.
IMPATIENT = {"CONTEXTWORKER_HARVEST_HEARTBEAT_TIMEOUT_S": "10"}


class Feed:
    """The slow supplier's server, seen from the test."""

    def __init__(self, container: DockerContainer) -> None:
        self.url = f"http://127.0.0.1:{container.get_exposed_port(PORT)}"

    def asked(self) -> int:
        """Return how often the feed was asked for."""
        with urlopen(f"{self.url}/asked", timeout=60) as answer:
            return int(answer.read())

    def go(self) -> None:
        """Let the other half of the feed go out."""
        urlopen(Request(self.url, data=b""), timeout=60).close()


@pytest.fixture
def feed(containers: Containers, engine: Images) -> Iterator[Feed]:
    """A supplier whose feed stops half way until it is told to go on."""
    server = (
        DockerContainer(engine.base, network=containers.network)
        .with_network_aliases("feeds")
        .with_volume_mapping(ROOT / "tests/integration/support/slow_feed.py", "/slow_feed.py", "ro")
        .with_command(["python3", "/slow_feed.py", str(PORT)])
        .with_exposed_ports(PORT)
        .waiting_for(PortWaitStrategy(PORT))
    )
    with server:
        yield Feed(server)


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A folder with the slow supplier's file, in place of the repository's examples."""
    folder = tmp_path / "suppliers"
    folder.mkdir()
    (folder / "slow.toml").write_text(SUPPLIER)
    tmp_path.chmod(0o755)  # pytest keeps it for this user; the worker is another one
    return tmp_path


def start(containers: Containers, tenant: str) -> str:
    """Start a harvest of the slow supplier."""
    started = containers.call(
        "StartWorkflow", workflow_type="harvest", supplier_code="slow", tenant_id=tenant
    )
    return str(started["workflow_id"])


def wait_for_download(containers: Containers, workflow_id: str, feed: Feed, number: int) -> None:
    """Wait until a worker is half way through its download of the feed."""
    until(
        lambda: (feed.asked(), containers.call("GetTaskStatus", workflow_id=workflow_id)),
        lambda seen: seen[0] == number,
    )


def stored(postgresql: str, tenant: str) -> tuple[object, ...] | None:
    """Count the tenant's products, by row and by sku, and its runs."""
    with psycopg.connect(postgresql) as connection:
        return connection.execute(
            "SELECT count(*), count(DISTINCT sku), (SELECT count(*) FROM runs WHERE tenant_id = %s)"
            " FROM products WHERE tenant_id = %s",
            [tenant, tenant],
        ).fetchone()


def test_a_stopped_worker_drains(
    containers: Containers, postgresql: str, feed: Feed, examples: Path
) -> None:
    """`docker stop` within the grace period: the download ends, and is not repeated."""
    with (
        ThreadPoolExecutor() as threads,
        containers.worker("harvest", examples=examples) as first,
    ):
        workflow_id = start(containers, "drained")
        wait_for_download(containers, workflow_id, feed, 1)
        with containers.worker("harvest", examples=examples):
            stopping = threads.submit(first.get_wrapped_container().stop, timeout=60)
            says(first, "SIGTERM: finishing what runs")
            feed.go()
            stopping.result()
            run = containers.finish(workflow_id)

            assert 0 == state(first)["ExitCode"], log(first)
            assert [] == told_errors(log(first))
    assert ("completed", ROWS) == (run["status"], run["result"]["inserted"])
    assert 1 == feed.asked()
    assert (ROWS, ROWS, 1) == stored(postgresql, "drained")


def test_a_stopped_worker_hands_over(
    containers: Containers, postgresql: str, feed: Feed, examples: Path
) -> None:
    """`docker stop` beyond the grace period: another worker does the download again."""
    with containers.worker(
        "harvest", examples=examples, CONTEXTWORKER_SHUTDOWN_GRACE_S="1", **IMPATIENT
    ) as first:
        workflow_id = start(containers, "handed_over")
        wait_for_download(containers, workflow_id, feed, 1)
        with containers.worker("harvest", examples=examples, **IMPATIENT):
            first.get_wrapped_container().stop(timeout=60)
            wait_for_download(containers, workflow_id, feed, 2)
            feed.go()
            run = containers.finish(workflow_id)

            assert 0 == state(first)["ExitCode"], log(first)
            assert [] == told_errors(log(first))
    assert ("completed", ROWS) == (run["status"], run["result"]["inserted"])
    assert (ROWS, ROWS, 1) == stored(postgresql, "handed_over")


def test_a_killed_worker_is_replaced(
    containers: Containers, postgresql: str, feed: Feed, examples: Path
) -> None:
    """`docker kill`: its heartbeats stop, and another worker does the download again."""
    with containers.worker("harvest", examples=examples, **IMPATIENT) as first:
        workflow_id = start(containers, "killed")
        wait_for_download(containers, workflow_id, feed, 1)
        with containers.worker("harvest", examples=examples, **IMPATIENT):
            first.get_wrapped_container().kill()
            wait_for_download(containers, workflow_id, feed, 2)
            feed.go()
            run = containers.finish(workflow_id)

            assert 137 == state(first)["ExitCode"]
    assert ("completed", ROWS) == (run["status"], run["result"]["inserted"])
    assert (ROWS, ROWS, 1) == stored(postgresql, "killed")
