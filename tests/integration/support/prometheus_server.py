"""A real Prometheus on loopback that scrapes what a test runs, with the committed rules."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from needed import needed

from contextworker.core.testing.server import free_port

Targets = Mapping[str, Sequence[str]]
"""job -> addresses."""


@dataclass
class PrometheusServer:
    """Scrapes every second, and evaluates the rules as often."""

    folder: Path
    rules: Path
    targets: Targets
    hurry: bool = False
    """Whether alerts fire at once, whatever their `for` says."""
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        program = needed("prometheus")
        rules = self.folder / "rules.yaml"
        text = self.rules.read_text()
        rules.write_text(
            re.sub(r"^(\s+for:) .*$", r"\1 1s", text, flags=re.MULTILINE) if self.hurry else text
        )
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": list(addresses)}]}
                for job, addresses in self.targets.items()
            ],
        }
        # YAML is what JSON is, too.
        (self.folder / "prometheus.yaml").write_text(json.dumps(configuration))
        command = [
            program,
            f"--config.file={self.folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=error",
        ]
        with (self.folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log)
        self.until(self._ready, "Prometheus is ready")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression now.

        Raises:
            AssertionError: It is not valid.
        """
        answer = self._get("query", query=expression)
        assert answer["status"] == "success", f"{answer.get('error')}: {expression}"
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def value(self, expression: str) -> float:
        """Evaluate an expression of one value, as soon as it has one.

        A process that a busy machine keeps from answering a look has no data until the next one.
        """
        found: list[dict[str, Any]] = []

        def has_one() -> bool:
            found[:] = self.query(expression)
            return bool(found)

        self.until(has_one, f"{expression} has a value")
        return float(found[0]["value"][1])

    def alerts(self) -> dict[str, set[str]]:
        """Return the states of the alerts that are pending or fire, by name."""
        states: dict[str, set[str]] = {}
        for alert in self._get("alerts")["data"]["alerts"]:
            states.setdefault(alert["labels"]["alertname"], set()).add(alert["state"])
        return states

    def until(self, condition: Any, what: str, timeout_s: float = 180) -> None:
        """Wait for something that is bound to become true."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            log = (self.folder / "prometheus.log").read_text()
            assert time.monotonic() < deadline, f"it never was true that {what}\n{log}"
            time.sleep(0.2)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5):
                return True
        except OSError:
            return False

    def _get(self, what: str, **parameters: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                body: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            body = json.load(error)
        return body
