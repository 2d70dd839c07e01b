"""That instruments count what they should, under names and labels that stay few."""

import re
import urllib.request
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.core.metrics import (
    OTHER,
    Counter,
    Gauge,
    Histogram,
    is_on,
    metrics_runtime,
    reporting,
)
from contextworker.core.metrics.bounds import Bounds
from contextworker.core.metrics.instruments import NoLabels, attach, declared
from contextworker.core.settings import RuntimeSettings
from contextworker.core.testing.server import free_port

TENANTS, SUPPLIERS = 100, 20


class Sale(NamedTuple):
    """Labels of this file's own instruments."""

    tenant: str
    supplier: str
    kind: str


SALES = Counter("contextworker_test_sales", "Sales.", Sale)
STOCK = Gauge("contextworker_test_stock_items", "Stock.", Sale)
PRICES = Histogram("contextworker_test_price_usd", "Prices.", Sale, buckets=(1, 10))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Export this process's metrics."""
    address = f"127.0.0.1:{free_port()}"
    runtime = metrics_runtime(
        RuntimeSettings(
            metrics_address=address, metrics_max_tenants=TENANTS, metrics_max_suppliers=SUPPLIERS
        )
    )
    assert runtime is not None
    yield address
    attach(None, Bounds(tenants=0, suppliers=0))


def exported(address: str) -> str:
    """Read the metrics as Prometheus does."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_names_and_labels_are_as_declared(address: str) -> None:
    """A counter ends in `_total`, a histogram has the declared buckets, nothing else is added."""
    labels = Sale("acme", "tents", "retail")
    SALES.add(2, labels)
    SALES.add(3, labels)
    STOCK.set(1.5, labels)
    PRICES.record(5, labels)

    lines = exported(address).splitlines()

    own = 'kind="retail",supplier="tents",tenant="acme"'
    assert f"contextworker_test_sales_total{{{own}}} 5" in lines
    assert f"contextworker_test_stock_items{{{own}}} 1.5" in lines
    assert f'contextworker_test_price_usd_bucket{{{own},le="1"}} 0' in lines
    assert f'contextworker_test_price_usd_bucket{{{own},le="10"}} 1' in lines
    assert f"contextworker_test_price_usd_sum{{{own}}} 5" in lines
    assert "# HELP contextworker_test_sales_total Sales." in lines


def test_ten_thousand_tenants_are_a_hundred_and_the_rest(address: str) -> None:
    """Nor do all the others' gauges become one that says nothing."""
    for number in range(10_000):
        SALES.add(1, Sale(f"tenant-{number}", "tents", "flood"))
        STOCK.set(number, Sale(f"tenant-{number}", "tents", "flood"))

    flood = [line for line in exported(address).splitlines() if 'kind="flood"' in line]
    tenants = {found[1] for line in flood if (found := re.search(r'tenant="([^"]+)"', line))}
    counted = sum(int(line.rpartition(" ")[2]) for line in flood if "_sales_total" in line)
    assert TENANTS + 1 >= len(tenants)
    assert OTHER in tenants
    assert 10_000 == counted
    assert not [line for line in flood if "_stock_items" in line and OTHER in line]


def test_suppliers_have_a_bound_of_their_own(address: str) -> None:
    """As many as the setting says, beside `other`."""
    for number in range(100):
        SALES.add(1, Sale("acme", f"supplier-{number}", "suppliers"))

    series = [line for line in exported(address).splitlines() if 'kind="suppliers"' in line]
    assert SUPPLIERS + 1 >= len(series)


def test_a_label_without_a_setting_is_bounded_too(address: str) -> None:
    """Whatever a label holds, a process cannot be made to export without end."""
    for number in range(1000):
        SALES.add(1, Sale("acme", "tents", f"kind-{number}"))

    series = [line for line in exported(address).splitlines() if 'kind="kind-' in line]
    assert len(series) <= 100


@pytest.mark.usefixtures("address")
def test_one_name_is_declared_once() -> None:
    """Two instruments of a name would add up to nonsense."""
    with pytest.raises(ValueError, match="contextworker_test_sales"):
        Counter("contextworker_test_sales", "Again.", Sale)


def test_every_instrument_says_what_it_is() -> None:
    """By Prometheus' conventions: a prefix, a unit at the end, a sentence as help."""
    units = ("_seconds", "_bytes", "_usd")
    for each in declared():
        assert re.fullmatch(r"contextworker_[a-z_]+", each.name)
        assert each.description.endswith(".")
        assert not each.name.endswith("_total")
        if isinstance(each, Histogram):
            assert each.name.endswith(units)
            assert sorted(set(each.buckets)) == list(each.buckets)


async def test_nothing_is_found_out_where_metrics_are_off() -> None:
    """Neither instruments nor what tells them cost anything then."""
    attach(None, Bounds(tenants=0, suppliers=0))
    called = False

    async def tell() -> None:
        nonlocal called
        called = True

    async with reporting(tell, "nothing"):
        SALES.add(1, Sale("acme", "tents", "off"))
        STOCK.set(1, Sale("acme", "tents", "off"))
        PRICES.record(1, Sale("acme", "tents", "off"))

    assert (False, False) == (is_on(), called)


def test_an_address_that_cannot_be_is_named_with_its_setting() -> None:
    """As a sentence, with an example of one that can."""
    with pytest.raises(ConfigurationError, match=r"CONTEXTWORKER_METRICS_ADDRESS.*9464"):
        metrics_runtime(RuntimeSettings(metrics_address="nowhere:1"))
    assert (False, ()) == (is_on(), NoLabels._fields)
