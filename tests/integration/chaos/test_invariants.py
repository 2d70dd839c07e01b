"""The checks can fail: each violation that is planted is found, by the check it is meant for."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from harness.catalogue import Catalogue
from harness.ledger import Acknowledged, Gardened, Harvested, Ledger
from invariants.check import violations
from invariants.leftovers import MODULES
from invariants.seen import Run, Seen, StoredProduct

from contextcore import ContextUnit

World = tuple[dict[str, Catalogue], Ledger, Seen]
Plant = Callable[[Ledger, Seen], object]


def a_world() -> World:
    """What a round comes to in which all is well."""
    catalogue = Catalogue("acme", "acme-a", random.Random(1))
    for _ in range(5):
        catalogue.advance()
    unit = ContextUnit(payload={"workflow_type": "harvest"}, provenance=["chaos:trigger"])
    rejected = Counter(reason for _, reason in catalogue.bad_rows)
    report = {
        "run_id": "h/1",
        "status": "completed",
        "rows": catalogue.rows,
        "rejected_by_reason": dict(rejected),
    }
    ledger = Ledger(
        acknowledged=[Acknowledged(unit, "harvest-acme-acme-a", "1")],
        harvested=[Harvested("acme-a", report, catalogue.rows, rejected)],
        gardened=[Gardened("acme", pending=3, counted=3)],
    )
    seen = Seen(
        runs=[Run("harvest-acme-acme-a", "1", "harvest", "COMPLETED")],
        resent={unit.unit_id: ("1", "1")},
        products=[
            StoredProduct(
                tenant_id="acme",
                dealer_code="acme-a",
                sku=row.sku,
                name=row.name,
                brand=row.brand,
                category=row.category,
                price=row.price,
                stock=row.stock,
                is_listed=is_listed,
                enrichment_status="done",
                tasks=frozenset({"taxonomy"}),
            )
            for rows, is_listed in ((catalogue.listed, True), (catalogue.removed, False))
            for row in rows.values()
        ],
        history=Counter(
            {("acme", "acme-a", *change): count for change, count in catalogue.history.items()}
        ),
        rejects={"h/1": rejected.copy()},
        brain_runs={"h/1": "completed"},
        objects=[
            f"acme/harvest/acme-a/feeds/{'0' * 64}",
            f"acme/gardener/{'1' * 64}",
            "acme/sandbox/",
        ],
        connections=Counter(idle=15),
        gateway=set(MODULES),
    )
    return {"acme-a": catalogue}, ledger, seen


def change_product(seen: Seen, **values: object) -> None:
    """Change one listed product's row."""
    place = next(n for n, product in enumerate(seen.products) if product.is_listed)
    seen.products[place] = replace(seen.products[place], **values)  # type: ignore[arg-type] # by name


PLANTS: dict[str, tuple[str, Plant]] = {
    "a run is lost": ("one_run_each", lambda _, seen: seen.runs.clear()),
    "a run is there twice": ("one_run_each", lambda _, seen: seen.runs.append(seen.runs[0])),
    "a run that nobody started": (
        "one_run_each",
        lambda _, seen: seen.runs.append(replace(seen.runs[0], run_id="2")),
    ),
    "one unit, two runs": (
        "one_run_each",
        lambda ledger, _: ledger.acknowledged.append(ledger.acknowledged[0]),
    ),
    "a run goes on for ever": (
        "every_run_ends",
        lambda _, seen: seen.runs.__setitem__(0, replace(seen.runs[0], status="RUNNING")),
    ),
    "a run fails for a fault of ours": (
        "every_run_ends",
        lambda _, seen: seen.runs.__setitem__(
            0, replace(seen.runs[0], status="FAILED", failure="TransientError")
        ),
    ),
    "a program is told something wrong": (
        "every_run_ends",
        lambda ledger, _: ledger.wrong.append("wrong"),
    ),
    "a unit becomes another run": (
        "a_unit_stays_its_run",
        lambda _, seen: seen.resent.update(u=("1", "2")),
    ),
    "a product is lost": ("products_as_fed", lambda _, seen: seen.products.pop()),
    "a product is there twice": (
        "products_as_fed",
        lambda _, seen: seen.products.append(seen.products[0]),
    ),
    "a product from nowhere": (
        "products_as_fed",
        lambda _, seen: seen.products.append(replace(seen.products[0], sku="other")),
    ),
    "a stale price": ("products_as_fed", lambda _, seen: change_product(seen, price=None)),
    "a product wrongly removed": (
        "products_as_fed",
        lambda _, seen: change_product(seen, is_listed=False),
    ),
    "a change noted twice": (
        "each_change_once",
        lambda _, seen: seen.history.update([next(iter(seen.history))]),
    ),
    "a change not noted": (
        "each_change_once",
        lambda _, seen: seen.history.subtract([next(iter(seen.history))]),
    ),
    "a reject is lost": ("no_reject_lost", lambda _, seen: seen.rejects.clear()),
    "rejects of no run": (
        "no_reject_lost",
        lambda _, seen: seen.rejects.update({"h/2": Counter(bad_price=1)}),
    ),
    "a report leaves rows out": (
        "no_reject_lost",
        lambda ledger, _: ledger.harvested[0].report.update(rows=1),
    ),
    "the Brain believes a run open": (
        "runs_are_recorded",
        lambda _, seen: seen.brain_runs.update({"h/1": "running"}),
    ),
    "a product is left pending": (
        "each_enriched",
        lambda _, seen: change_product(seen, enrichment_status="pending"),
    ),
    "a product is done without a result": (
        "each_enriched",
        lambda _, seen: change_product(seen, tasks=frozenset()),
    ),
    "a product is counted twice": (
        "none_counted_twice",
        lambda ledger, _: ledger.gardened.append(Gardened("acme", pending=3, counted=4)),
    ),
    "a claim is held": ("no_claim_left", lambda _, seen: seen.claims.append("c")),
    "a process lives on": ("no_process_left", lambda _, seen: seen.processes.append("1 monty")),
    "a run's object stays": (
        "no_object_left",
        lambda _, seen: seen.objects.append(f"acme/harvest/acme-a/runs/x/{'2' * 64}"),
    ),
    "a run's folder stays": (
        "no_object_left",
        lambda _, seen: seen.objects.append("acme/harvest/acme-a/runs/x/"),
    ),
    "a half-written object stays": (
        "no_object_left",
        lambda _, seen: seen.objects.append(f"acme/harvest/acme-a/feeds/{'2' * 64}#1"),
    ),
    "an older feed stays": (
        "no_object_left",
        lambda _, seen: seen.objects.append(f"acme/harvest/acme-a/feeds/{'2' * 64}"),
    ),
    "the latest feed is gone": ("no_object_left", lambda _, seen: seen.objects.pop(0)),
    "a temporary file stays": (
        "no_temporary_file_left",
        lambda _, seen: seen.temporary_files.append("contextworker-x/object"),
    ),
    "a connection too many": (
        "no_connection_left",
        lambda _, seen: seen.connections.update(idle=1),
    ),
    "a transaction stays open": (
        "no_connection_left",
        lambda _, seen: seen.connections.update({"idle in transaction": 1, "idle": -1}),
    ),
    "an advisory lock stays": (
        "no_connection_left",
        lambda _, seen: setattr(seen, "advisory_locks", 1),
    ),
    "the gateway forgot a module": (
        "the_gateway_answers",
        lambda _, seen: seen.gateway.remove("sandbox"),
    ),
}


def test_a_world_in_which_all_is_well_has_no_violation() -> None:
    """Else each test below would pass for a reason of its own."""
    assert [] == violations(*a_world())


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_violation_is_found(name: str) -> None:
    """By the check it is meant for, and by no other."""
    check, plant = PLANTS[name]
    catalogues, ledger, seen = a_world()

    plant(ledger, seen)

    found = {sentence.partition(":")[0] for sentence in violations(catalogues, ledger, seen)}
    assert {check} == found
