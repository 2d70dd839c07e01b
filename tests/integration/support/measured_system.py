"""Real work of every kind, in real processes that Prometheus scrapes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
from running_system import PATIENCE_S, System

from contextcore import ContextUnit, UnitMetrics
from contextworker.core.client import ClientError, WorkerClient
from contextworker.core.testing.server import free_port

TENANT, SUPPLIER = "acme", "camp"
_SECRET = "a secret of the tests, long enough for HS256"
_HEAD = "sku,name,price\n"
_WORKERS = ("harvest", "gardener", "sandbox")


@dataclass
class Measured:
    """A system whose processes serve metrics."""

    system: System
    metrics: dict[str, str] = field(default_factory=dict)
    """process -> address."""

    @property
    def feed(self) -> Path:
        """The supplier's feed, to be written."""
        return self.system.folder / "camp.csv"

    def start(self, llm_url: str) -> None:
        """Start every process but the gardener's worker, which looks at what was harvested."""
        for name in ("gateway", *_WORKERS):
            self.metrics[name] = f"127.0.0.1:{free_port()}"
        folder = self.system.folder
        suppliers = folder / "suppliers"
        suppliers.mkdir()
        mapping = '[mapping]\nsku = "sku"\nname = "name"\nprice_retail = "price"\n'
        # Nobody listens there, which may pass: so the activity fails, rather than refuses.
        nowhere = f"http://127.0.0.1:{free_port()}/feed.csv"
        for code, feed in ((SUPPLIER, str(self.feed)), ("broken", nowhere)):
            (suppliers / f"{code}.toml").write_text(
                f'name = "{code}"\ncurrency = "EUR"\n[[sources]]\nurl = "{feed}"\n'
                f'format = "csv"\n{mapping}[retry]\nmaximum_attempts = 1\n'
            )
        (folder / "gardener.toml").write_text(
            f'[default.llm]\nbase_url = "{llm_url}"\nmodel = "small"\nbatch = 2\n'
            "input_usd_per_million = 1.0\noutput_usd_per_million = 10.0\nattempts = 1\n"
        )
        self._start("gateway", "gateway", "gateway listening on")
        self._start_worker("harvest")
        self._start_worker("sandbox")

    def _start_worker(self, name: str) -> None:
        self._start(name, f"{name}-worker", f"polls {name}-tasks")

    def _start(self, name: str, command: str, says: str) -> None:
        folder = self.system.folder
        self.system.start(
            name,
            command,
            says=says,
            CONTEXTWORKER_METRICS_ADDRESS=self.metrics[name],
            CONTEXTWORKER_GATEWAY_AUTH_SECRET=_SECRET,
            CONTEXTWORKER_SUPPLIERS_DIR=str(folder / "suppliers"),
            CONTEXTWORKER_HARVEST_ALLOWED_NETWORKS="127.0.0.0/8",
            CONTEXTWORKER_GARDENER_CONFIG=str(folder / "gardener.toml"),
            CONTEXTWORKER_SANDBOX_PROCESSES="2",
            WORKER_TOKEN=token(),
        )

    def restart(self, name: str) -> None:
        """End a worker, and start it again."""
        self.system.stop(name)
        self._start_worker(name)

    @contextmanager
    def client(self, bearer: str | None = None) -> Iterator[WorkerClient]:
        """Call the gateway."""
        address = f"127.0.0.1:{self.system.port}"
        with WorkerClient(address, token=bearer or token(), timeout=PATIENCE_S) as client:
            yield client

    def harvest(self, rows: str, supplier: str = SUPPLIER) -> dict[str, Any]:
        """Harvest a feed; returns the status of the run."""
        self.feed.write_text(_HEAD + rows)
        with self.client() as client:
            task = client.start("harvest", supplier_code=supplier, tenant_id=TENANT)
            try:
                return dict(task.result(timeout=PATIENCE_S))
            except ClientError as error:
                return {"error": str(error)}

    def work(self) -> None:
        """Do everything once, well and badly."""
        self._harvests()
        # Catalogues are told when it begins, and else a minute later.
        self._start_worker("gardener")
        self._enriches()
        self._runs_code()
        self._is_refused()

    def _harvests(self) -> None:
        goods = "".join(f"S{n},Naturehike tent {n},{n}.50\n" for n in range(1, 31))
        goods += "".join(f"M{n},Mystery thing {n},5.00\n" for n in range(1, 7))
        self.harvest(goods + "B1,,1\nB2,Bad price,x\n")
        self.harvest(goods + "B1,,1\nB2,Bad price,x\n")  # not modified
        some = goods.split("\n", 3)[3]
        self.harvest(some.replace(",4.50", ",4.99"))  # three are gone
        self.harvest(goods)  # and return
        self.harvest("", supplier="broken")

    def _enriches(self) -> None:
        unit = ContextUnit(
            payload={"workflow_type": "gardener", "tenant_id": TENANT},
            metrics=UnitMetrics(cost_limit_usd=0.05),
        )
        with self.client() as client:
            client.start(unit).result(timeout=2 * PATIENCE_S)
            client.start(unit)
            page = client.start("gardener_review", tenant_id=TENANT).result(timeout=PATIENCE_S)
            items = list(page["items"])
            for action, item in zip(("accept", "reject"), items, strict=False):
                client.start(
                    "gardener_review",
                    tenant_id=TENANT,
                    action=action,
                    task=item["task"],
                    product_ids=[item["product_id"]],
                ).result(timeout=PATIENCE_S)

    def _runs_code(self) -> None:
        with self.client() as client:
            client.execute("1 + 1", tenant_id=TENANT)
            client.execute("1 / 0", tenant_id=TENANT)
            client.execute("while True: pass", code_timeout=0.3, tenant_id=TENANT)
            waits = client.execute("import time\ntime.sleep(600)", tenant_id=TENANT, wait=False)
            client.cancel(waits.workflow_id, reason="enough")
            client.tasks()

    def _is_refused(self) -> None:
        for bearer, workflow_type in ((None, "no-such-type"), ("nonsense", "harvest")):
            with self.client(bearer) as client:
                try:
                    client.start(workflow_type, tenant_id=TENANT, supplier_code=SUPPLIER)
                except ClientError:
                    continue
                raise AssertionError(f"{workflow_type} was not refused")


def token() -> str:
    """Make a token for everything."""
    now = int(time.time())
    claims = {
        "sub": "tests",
        "iat": now,
        "exp": now + int(timedelta(hours=1).total_seconds()),
        "tenants": [TENANT],
        "permissions": ["worker:execute", "worker:read", "worker:schedule"],
    }
    return jwt.encode(claims, _SECRET, "HS256")
