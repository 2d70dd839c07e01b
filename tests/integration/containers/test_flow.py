"""The demo's day in containers: a supplier's feed becomes products, products become enriched."""

import tomllib

import psycopg
from running_containers import COMMIT, ROOT, Containers

TENANT = "my_project"
PROGRAM = """
harvest = wait_for(start_workflow("harvest", supplier_code="camping-trade"))
[harvest["status"], len(products(limit=200))]
"""


def test_the_demo_runs_through_containers(containers: Containers, postgresql: str) -> None:
    """Every process in a container of its own, and the counts are the demo's."""
    with containers.worker("harvest"), containers.worker("gardener"):
        harvest = containers.call(
            "StartWorkflow",
            workflow_type="harvest",
            supplier_code="camping-trade",
            tenant_id=TENANT,
        )
        harvested = containers.finish(harvest["workflow_id"])
        gardener = containers.call("StartWorkflow", workflow_type="gardener", tenant_id=TENANT)
        gardened = containers.finish(gardener["workflow_id"])

    assert ("completed", "completed") == (harvested["status"], gardened["status"])
    with psycopg.connect(postgresql) as connection:
        products = connection.execute(
            "SELECT count(*), count(DISTINCT sku), sum((enrichment_status = 'pending')::int) "
            "FROM products WHERE tenant_id = %s",
            [TENANT],
        ).fetchone()
        rejects = connection.execute(
            "SELECT count(*) FROM rejects WHERE tenant_id = %s", [TENANT]
        ).fetchone()
    assert ((224, 224, 0), (5,)) == (products, rejects)


def test_a_program_runs_through_containers(containers: Containers) -> None:
    """It calls the gateway's container for work, and PostgreSQL's for what came of it."""
    with containers.worker("harvest"), containers.worker("sandbox"):
        run = containers.call("ExecuteCode", code=PROGRAM, tenant_id="of_a_program")
        done = containers.finish(run["workflow_id"])

    assert (None, ["completed", 200]) == (done["result"]["error"], done["result"]["result"])


def test_an_image_announces_its_version_and_commit(containers: Containers) -> None:
    """The build id that Temporal and the gateway show is what the image was built from."""
    project = tomllib.loads((ROOT / "packages/harvest/pyproject.toml").read_text())["project"]

    with containers.worker("harvest"):
        modules = containers.call("ListModules")["modules"]

    assert [f"{project['version']}-{COMMIT[:12]}"] == [
        module["build_id"] for module in modules if module["name"] == "harvest"
    ]
