"""That what dashboards draw and alerts ask for is what a real run exposes."""

import asyncio
import math
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from llm_server import Asked, llm_server
from measured_system import SUPPLIER, TENANT, Measured
from needed import needed
from prometheus_server import PrometheusServer
from queries import RULES, queries
from running_system import PATIENCE_S, System
from temporalio.client import WorkflowExecutionStatus

from contextworker.core.testing import TemporalServer
from contextworker.core.testing.server import free_port

# Else Temporal's server tells of its backlog once a minute.
_SOON = ("--dynamic-config-value", 'matching.backlogMetricsEmitInterval="1s"')
_BROKEN = "rate(temporal_workflow_task_execution_failed_total[5m])"
_BACKLOG = "approximate_backlog_count"

pytestmark = [
    pytest.mark.slow,  # a minute: Prometheus looks once a second, and rates take two looks
    pytest.mark.timeout(900),
]


@pytest.fixture
def measured(postgresql: str, tmp_path: Path) -> Iterator[Measured]:
    """A system whose Temporal serves metrics, too; nothing but that runs yet."""
    needed("prometheus")
    metrics = free_port()
    name = "measured"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    system = System(
        folder=tmp_path,
        brain_url=postgresql.replace("/postgres?", f"/{name}?"),
        temporal=TemporalServer(
            database=tmp_path / "temporal.db", flags=(f"--metrics-port={metrics}", *_SOON)
        ),
    )
    system.temporal.start()
    yield Measured(system, {"temporal": f"127.0.0.1:{metrics}"})
    system.close()


def unsure(asked: Asked) -> list[dict[str, object]]:
    """Answer about every other product surely."""
    return [
        {
            "index": product["index"],
            "ner": {
                "product_type": "thing",
                "brand": product["product"]["name"].split()[0],
                "sure": product["index"] % 2 == 0,
            },
            "taxonomy": {"id": "camping.tents", "sure": product["index"] % 2 == 0},
        }
        for product in asked.products
    ]


async def test_every_query_has_data_in_a_real_run(measured: Measured, tmp_path: Path) -> None:
    """Of every panel, variable and rule; and alerts fire for a stale feed and an outage."""
    async with llm_server(unsure) as llm:
        llm.usage = lambda _: (20_000, 500)
        await asyncio.to_thread(measured.start, llm.url)
        prometheus = PrometheusServer(
            tmp_path,
            RULES,
            {
                "gateway": [measured.metrics["gateway"]],
                "workers": [measured.metrics[name] for name in ("harvest", "gardener", "sandbox")],
                "temporal": [measured.metrics["temporal"]],
            },
            hurry=True,
        )
        prometheus.start()
        try:
            await asyncio.to_thread(measured.work)
            await breaks_a_workflow(measured.system)
            await asyncio.to_thread(is_watched, measured, prometheus)
        finally:
            prometheus.stop()


async def breaks_a_workflow(system: System) -> None:
    """Start a run past the gateway that its workflow cannot read: its task fails, and again."""
    client = await system.temporal.connect()
    handle = await client.start_workflow(
        "harvest", "no unit at all", id="broken", task_queue="harvest-tasks"
    )
    async with asyncio.timeout(PATIENCE_S):
        while (await handle.describe()).raw_description.pending_workflow_task.attempt < 2:
            await asyncio.sleep(0.2)
    await handle.terminate()
    assert WorkflowExecutionStatus.TERMINATED is (await handle.describe()).status


def is_watched(measured: Measured, prometheus: PrometheusServer) -> None:
    """Look at it as operators do, while all is well and when it is not."""
    counts_are_right(prometheus)
    # A rate takes two looks, of which the worker's next start would leave one.
    prometheus.until(lambda: prometheus.query(_BROKEN), "a workflow task that failed is told")
    freshness_survives_a_restart(measured, prometheus)
    a_stale_feed_is_told(measured, prometheus)
    found: set[str] = set()

    def without_data() -> list[str]:
        """Return what never had any yet: what was seen once may be gone, as Temporal is later."""
        asked = [(query.where, part) for query in queries() for part in query.parts()]
        found.update(p for p in {part for _, part in asked} - found if prometheus.query(p))
        return [f"{where}: {part}" for where, part in asked if part not in found]

    prometheus.until(
        lambda: not any(_BACKLOG in one for one in without_data()), "the backlog is told"
    )
    measured.system.temporal.kill()
    prometheus.until(
        lambda: "firing" in prometheus.alerts().get("GatewayCannotReachTemporal", ()),
        "the alert of an outage fires",
    )
    try:
        prometheus.until(lambda: not without_data(), "every query has data")
    except AssertionError:
        raise AssertionError("without data:\n" + "\n".join(without_data())) from None


def counts_are_right(prometheus: PrometheusServer) -> None:
    """What was done is what is counted, once."""
    own = f'tenant="{TENANT}",supplier="{SUPPLIER}"'
    products = f"contextworker_harvest_products_total{{{own},change="
    runs = "contextworker_harvest_runs_total{"
    expected = {
        f'{products}"inserted"}}': 36,
        f'{products}"returned"}}': 3,
        f'{products}"removed"}}': 3,
        f'{products}"updated"}}': 2,
        f"contextworker_harvest_rejects_total{{{own}}}": 2,
        f'{runs}{own},outcome="not_modified"}}': 1,
        f'{runs}{own},outcome="completed"}}': 3,
        f'{runs}outcome="failed",supplier="broken"}}': 1,
        "contextworker_sandbox_executions_total": 3,
        'contextworker_sandbox_executions_total{outcome="limit"}': 1,
        "contextworker_gateway_refused_tokens_total": 1,
    }

    counted: dict[str, float] = {}

    def everything_is_counted() -> bool:
        counted.update((what, prometheus.value(f"sum({what})")) for what in expected)
        return all(expected[what] <= found for what, found in counted.items())

    # What was done last, Prometheus may not have looked at yet.
    prometheus.until(everything_is_counted, f"these are counted: {expected}")
    assert expected == counted
    assert 4 <= prometheus.value('sum(contextworker_gateway_starts_total{outcome="started"})')
    assert not prometheus.query('{__name__=~"contextworker.*",workflow_type="no-such-type"}')
    assert 36 <= prometheus.value("sum(contextworker_gardener_products_total)")
    assert 0 < prometheus.value("sum(contextworker_llm_cost_usd_sum)")


def freshness_survives_a_restart(measured: Measured, prometheus: PrometheusServer) -> None:
    """A worker that has just begun tells when suppliers were harvested before it was there."""
    last = f'contextworker_harvest_last_success_timestamp_seconds{{supplier="{SUPPLIER}"}}'
    told = prometheus.value(f"max({last})")
    measured.restart("harvest")
    began = time.time()
    prometheus.until(lambda: prometheus.query(f"timestamp({last}) > {began}"), "it is told again")
    told_again = prometheus.value(f"max({last})")
    with psycopg.connect(measured.system.brain_url) as connection:
        [(noted,)] = connection.execute(
            "SELECT extract(epoch FROM max(finished_at)) FROM runs WHERE supplier_code = %s",
            [SUPPLIER],
        )
    # The Brain noted the end before the worker that recorded it told of it.
    assert math.isclose(noted, told_again, rel_tol=0, abs_tol=1e-3)
    assert noted <= told
    prometheus.until(lambda: prometheus.query(f"changes({last}[5m]) > 0"), "both were seen")


def a_stale_feed_is_told(measured: Measured, prometheus: PrometheusServer) -> None:
    """A supplier that was last harvested two days ago is stale, though nothing of it runs."""
    with psycopg.connect(measured.system.brain_url, autocommit=True) as connection:
        connection.execute("UPDATE runs SET finished_at = finished_at - interval '2 days'")
    measured.restart("harvest")
    prometheus.until(
        lambda: "firing" in prometheus.alerts().get("FeedNotFresh", ()), "a stale feed is told of"
    )
