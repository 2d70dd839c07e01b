"""One trace of everything that a unit leads to, as a collector receives it from every process."""

import json
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from commerce_service import CommerceService
from running_system import PATIENCE_S, System
from trace_collector import Collector, Seen, roots, tree

from contextcore import ContextUnit
from contextworker.core.client import Schedule, WorkerClient

_CALLER = Path(__file__).parent / "programs" / "traced_caller.py"
_START = "contextworker.WorkerService/StartWorkflow"
_EXECUTE = "contextworker.WorkerService/ExecuteCode"
_HARVEST = {
    "start_harvest",
    "fetch_products",
    "transform_data",
    "sync_to_brain",
    "finish_harvest",
}
_PROGRAM = """
ended = wait_for(start_workflow("harvest", supplier_code="camping-trade"))
[ended["status"], len(products("tent"))]
"""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """What every process sends its spans to."""
    with Collector() as collector:
        yield collector


def call(system: System, collector: Collector, **payload: object) -> dict[str, str]:
    """Start a task from a service of its own, which has a trace of its own in hand."""
    done = subprocess.run(
        [sys.executable, str(_CALLER), f"127.0.0.1:{system.port}", json.dumps(payload)],
        env=system.environment | collector.environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE_S,
    )
    assert 0 == done.returncode, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def start(system: System, collector: Collector, *names: str, **variables: str) -> None:
    """Start the gateway, or workers, traced."""
    for name in names:
        command, says = f"{name}-worker", f"polls {name}-tasks"
        if name == "gateway":
            command, says = "gateway", "gateway listening on"
        system.start(name, command, says=says, **collector.environment, **variables)


def steps(spans: list[Seen]) -> set[str]:
    """Return the activities that were run."""
    begun = (span.name.partition(":") for span in spans)
    return {name for kind, _, name in begun if kind == "RunActivity"}


def whole(collector: Collector, trace_id: str, *names: str) -> list[Seen]:
    """Wait for a trace with spans of these names, of which each but the first has its parent.

    Every process sends its own, each some moments late, and so a child may come before its parent.
    """
    return collector.wait_for(
        trace_id,
        lambda spans: set(names) <= {span.name for span in spans} and 1 == len(roots(spans)),
        timeout_s=PATIENCE_S,
    )


def by_name(spans: list[Seen], name: str) -> list[Seen]:
    """Return the spans of a name."""
    return [span for span in spans if span.name == name]


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="plain"),
        pytest.param(
            {"CONTEXTWORKER_ENCRYPTION_KEYS": f"one:{b64encode(bytes(range(32))).decode()}"},
            id="encrypted",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_harvest(system: System, collector: Collector, variables: dict[str, str]) -> None:
    """From the caller to the Brain it is one trace, the unit's, with one beginning."""
    start(system, collector, "gateway", "harvest", **variables)

    asked = call(
        system, collector, workflow_type="harvest", supplier_code="camping-trade", tenant_id="acme"
    )
    spans = whole(collector, asked["unit"], "RunWorkflow:harvest", "brain.finish_run")

    assert [_START] == roots(spans), tree(spans)
    [caller, gateway] = sorted(by_name(spans, _START), key=lambda span: span.began_at)
    [run] = by_name(spans, "RunWorkflow:harvest")
    assert ["shop", "contextworker-gateway", "contextworker-harvest"] == [
        span.service for span in (caller, gateway, run)
    ]
    assert (caller.span_id, gateway.span_id) == (gateway.parent_id, run.parent_id)
    assert (asked["own"],) == caller.links
    assert steps(spans) == _HARVEST
    assert {run.span_id} == {
        span.parent_id for span in spans if span.name.startswith("RunActivity:")
    }
    [stored] = by_name(spans, "brain.store_products")
    [sync] = by_name(spans, "RunActivity:sync_to_brain")
    assert sync.span_id == stored.parent_id
    assert stored.attributes == {
        "db.system.name": "postgresql",
        "db.operation.name": "store_products",
        "contextworker.items": 224,
        "contextworker.inserted": 224,
        "contextworker.updated": 0,
        "contextworker.unchanged": 0,
    }
    assert [] == [span.name for span in spans if span.failed_with]
    system.stop_well("harvest", "gateway")


@pytest.mark.slow
def test_what_code_calls_and_what_the_gardener_does(system: System, collector: Collector) -> None:
    """A program's turns, what it starts in its caller's name and its tools: all one trace."""
    start(system, collector, "gateway", "harvest", "sandbox", "gardener")
    unit = ContextUnit(payload={"workflow_type": "gardener", "tenant_id": "acme"})

    with WorkerClient(f"127.0.0.1:{system.port}", service="agent") as client:
        parent = ContextUnit(provenance=["agent:think"])
        ran = client.execute(_PROGRAM, tenant_id="acme", parent=parent, timeout=PATIENCE_S)
        assert ran.error is None
        client.start(unit).result(timeout=PATIENCE_S)
    program = whole(collector, parent.trace_id, "RunWorkflow:execute_code", "RunWorkflow:harvest")
    garden = whole(collector, unit.trace_id, "RunWorkflow:gardener")

    assert [_EXECUTE] == roots(program), tree(program)
    assert {"start_task", "task_status", "call_tool"} | _HARVEST <= steps(program), tree(program)
    services = {span.service for span in by_name(program, _START)}
    assert {"contextworker-sandbox", "contextworker-gateway"} == services
    assert by_name(program, "brain.list_products"), tree(program)
    assert [_START] == roots(garden), tree(garden)
    assert {"gather_knowledge", "enrich_batch"} <= steps(garden)
    assert by_name(garden, "brain.claim_products")
    assert by_name(garden, "brain.settle_claim")


@pytest.mark.slow
def test_a_schedules_runs(system: System, collector: Collector) -> None:
    """Each begins a trace, its unit's, and the one in which it was registered ends there."""
    start(system, collector, "gateway", "harvest")
    nightly = Schedule(
        schedule_id="nightly",
        workflow_type="harvest",
        cron="0 3 * * *",
        payload={"supplier_code": "camping-trade"},
    )
    with WorkerClient(f"127.0.0.1:{system.port}", service="shop") as client:
        client.schedules.register([nightly], tenant_id="acme")
        client.schedules.trigger("nightly", tenant_id="acme")
        deadline = time.monotonic() + PATIENCE_S
        while not (runs := list(client.tasks(tenant_id="acme"))):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        client.result(runs[0].workflow_id, timeout=PATIENCE_S)

    deadline = time.monotonic() + PATIENCE_S
    while not (ended := by_name(collector.received, "RunWorkflow:harvest")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    spans = whole(collector, ended[0].trace_id, "brain.finish_run")

    assert ["RunWorkflow:harvest"] == roots(spans), tree(spans)
    assert steps(spans) == _HARVEST
    registered = by_name(collector.received, "contextworker.WorkerService/RegisterSchedules")
    assert ended[0].trace_id not in {span.trace_id for span in registered}


@contextmanager
def feed_server(rows: int) -> Iterator[int]:
    """A supplier's web server; yields its port."""
    body = "sku,name,price\n" + "".join(f"S{n},Tent {n},{n}.50\n" for n in range(1, rows + 1))

    class Supplier(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.headers = dict(self.headers)  # type: ignore[attr-defined] # for the test
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Supplier)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()
    assert "traceparent" not in server.headers  # type: ignore[attr-defined] # set above


def write_supplier(folder: Path, url: str) -> dict[str, str]:
    """Write a supplier; returns the settings under which it can be harvested."""
    (folder / "camp.toml").write_text(
        f"""
name = "Camp"
currency = "EUR"
[[sources]]
url = "{url}"
format = "csv"
[mapping]
sku = "sku"
name = "name"
price_retail = "price"
"""
    )
    return {
        "CONTEXTWORKER_SUPPLIERS_DIR": str(folder),
        "CONTEXTWORKER_HARVEST_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


@pytest.mark.slow
def test_a_commerce_service_and_a_suppliers_web_server(
    system: System, collector: Collector, tmp_path: Path
) -> None:
    """One is given the trace, with a span for each batch; of the other only its host is told."""
    with CommerceService() as commerce, feed_server(60) as port:
        variables = write_supplier(
            tmp_path, f"http://shop:pa55w0rd@127.0.0.1:{port}/feed.csv?key=s3cret"
        )
        variables |= {
            "BRAIN_URL": commerce.url,
            "BRAIN_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
            "OTEL_SERVICE_NAME": "harvester",
        }
        start(system, collector, "gateway")
        start(system, collector, "harvest", **variables)
        asked = call(
            system, collector, workflow_type="harvest", supplier_code="camp", tenant_id="acme"
        )
        spans = whole(collector, asked["unit"], "RunWorkflow:harvest", "brain.finish_run")

        assert 60 == len(commerce.stored("acme"))
        [stored] = by_name(spans, "brain.store_products")
        trace_id = asked["unit"].replace("-", "")
        assert {f"00-{trace_id}-{stored.span_id}-03"} == commerce.orders.traceparents
        assert asked["unit"] in commerce.orders.traces
    assert [_START] == roots(spans), tree(spans)
    assert {"harvester"} == {span.service for span in spans if "harvest" in span.service}
    [download] = by_name(spans, "GET")
    assert download.attributes == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "url.scheme": "http",
        "http.response.status_code": 200,
        "http.response.body.size": download.attributes["http.response.body.size"],
    }
    for secret in (b"s3cret", b"pa55w0rd", b"Tent 1", b"feed.csv"):
        assert not any(secret in raw for raw in collector.raw), secret


@pytest.mark.slow
def test_a_worker_killed_in_the_middle(
    system: System, collector: Collector, tmp_path: Path
) -> None:
    """What it was at is missing, whole, and the rest is as connected as ever."""
    (tmp_path / "feed.csv").write_text(
        "sku,name,price\n" + "".join(f"S{n},Tent {n},{n}.50\n" for n in range(1, 20_001))
    )
    variables = write_supplier(tmp_path, "feed.csv") | {
        "CONTEXTWORKER_HARVEST_BATCH_ROWS": "50",
        # So long that only a killed worker is silent for it, however busy the machine is.
        "CONTEXTWORKER_HARVEST_HEARTBEAT_TIMEOUT_S": "10",
    }
    start(system, collector, "gateway")
    start(system, collector, "harvest", **variables)
    asked = call(system, collector, workflow_type="harvest", supplier_code="camp", tenant_id="acme")
    deadline = time.monotonic() + PATIENCE_S
    while True:
        status = system.call("GetTaskStatus", workflow_id=asked["workflow_id"]).payload
        progress = status.get("progress") or {}
        if progress.get("stage") == "storing" and progress.get("done"):
            break
        assert time.monotonic() < deadline, status
        time.sleep(0.02)
    collector.wait_for_names(asked["unit"], "RunActivity:transform_data", timeout_s=PATIENCE_S)
    system.kill("harvest")
    start(system, collector, "harvest", **variables)

    assert "completed" == system.finish(asked["workflow_id"])["status"]
    spans = whole(collector, asked["unit"], "RunWorkflow:harvest", "brain.finish_run")

    assert [_START] == roots(spans), tree(spans)
    assert steps(spans) == _HARVEST
    [sync] = by_name(spans, "RunActivity:sync_to_brain")
    assert sync.attributes["contextworker.attempt"] > 1
    stored = by_name(spans, "brain.store_products")
    assert {sync.span_id} == {span.parent_id for span in stored}
