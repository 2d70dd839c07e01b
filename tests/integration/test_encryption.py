"""Everything that Temporal and the object store keep of the whole system's runs, with keys set."""

import base64
import secrets
from pathlib import Path

import pytest
from running_system import PATIENCE_S, System
from sealed import everything_stored, key_ids, readable_failures, readable_payloads

from contextworker.core.client import WorkerClient

SECRET = "nobody-reads-this "
HALF = 150_000  # twice that is a result too large for Temporal's histories
MORE_THAN_TEMPORAL_TAKES = 2_500_000


def write_keys(folder: Path) -> Path:
    """Write a file of keys: a general one, and tenant acme's own."""
    key = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in ("all", "acme-1")}
    path = folder / "keys.toml"
    path.write_text(
        f'current = "all"\n[keys]\nall = "{key["all"]}"\nacme-1 = "{key["acme-1"]}"\n'
        '[tenants]\nacme = "acme-1"\n'
    )
    path.chmod(0o600)
    return path


@pytest.mark.slow
@pytest.mark.timeout(300)  # all of the system's processes, on a machine that may be busy
async def test_nothing_that_is_kept_of_runs_can_be_read_without_a_key(
    system: System, tmp_path: Path
) -> None:
    """Harvest, gardener, programs, schedules and errors, with large values in the object store."""
    settings = {
        "CONTEXTWORKER_ENCRYPTION_KEYS_FILE": str(write_keys(tmp_path)),
        "CONTEXTWORKER_EXTERNAL_PAYLOADS": "true",
    }
    system.start("gateway", "gateway", says="gateway listening on", **settings)
    for module in ("harvest", "gardener", "sandbox"):
        system.start(module, f"{module}-worker", says=f"polls {module}-tasks", **settings)

    def finished(**payload: object) -> dict[str, object]:
        started = system.call("StartWorkflow", tenant_id="acme", **payload)
        return system.finish(str(started.payload["workflow_id"]))

    schedule = {"schedule_id": "nightly", "workflow_type": "harvest", "cron": "0 3 * * *"}
    schedule["payload"] = {"supplier_code": "alpine-outlet"}  # type: ignore[assignment]

    harvested = finished(workflow_type="harvest", supplier_code="camping-trade")
    gardened = finished(workflow_type="gardener")
    failed = finished(workflow_type="harvest", supplier_code="unheard-of")
    system.call("RegisterSchedules", schedules=[schedule], tenant_id="acme")
    with WorkerClient(f"127.0.0.1:{system.port}", service="agent") as client:
        text = SECRET + "x" * HALF
        printed = client.execute(
            "print(text)\ntext", inputs={"text": text}, tenant_id="other", timeout=PATIENCE_S
        )
        text = SECRET + "x" * MORE_THAN_TEMPORAL_TAKES
        refused = client.execute(
            "text", inputs={"text": text}, tenant_id="other", timeout=PATIENCE_S
        )

    assert ("completed", "completed") == (harvested["status"], gardened["status"])
    assert "unheard-of" in str(failed["error"])
    assert SECRET + "x" * HALF == printed.result
    assert refused.error is not None
    assert "input_bytes" == refused.error.limit  # the program's, not Temporal's
    stored = await everything_stored(await system.temporal.connect(), runs=5)
    assert [] == [place for one in stored for place in readable_payloads(one)]
    assert [] == [place for one in stored for place in readable_failures(one)]
    assert [] == [one.path for one in stored if SECRET.encode() in one.message.SerializeToString()]
    for tenant_id, key_id in (("acme", "acme-1"), ("other", "all")):
        of_tenant = [key_ids(one) for one in stored if tenant_id in one.path]
        assert {key_id} == set().union(*of_tenant)
    objects = list((tmp_path / "objects/other/payloads").rglob("*/*"))
    assert 3 <= len(objects)
    assert [] == [path for path in objects if SECRET.encode() in path.read_bytes()]
    system.stop_well("gateway", "harvest", "gardener", "sandbox")
