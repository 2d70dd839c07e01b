"""That dashboards and alerts ask for metrics there are, by labels they have."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from manifests import load
from queries import (
    DASHBOARDS,
    OBSERVABILITY,
    Query,
    alerts,
    panels,
    queries,
    rules,
    variables,
)
from running_system import ROOT

from contextworker.core.metrics.instruments import declared

_WIDE = 24
_EVERYWHERE = {"instance", "job"}
_ALERTS = (ROOT / "docs" / "operations" / "alerts.md").read_text()


def known() -> dict[str, set[str]]:
    """Return our series, and those that rules record, with their labels."""
    found: dict[str, set[str]] = {}
    for each in declared():
        names = [each.exported_name]
        if each.kind == "histogram":
            names = [f"{each.name}{suffix}" for suffix in ("_bucket", "_sum", "_count")]
        for name in names:
            found[name] = {*each.labels, *_EVERYWHERE, *({"le"} if "_bucket" in name else ())}
    return found | {rule["record"]: {"tenant", "supplier"} for rule in rules() if "record" in rule}


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.where)
def test_every_query_names_metrics_and_labels_there_are(query: Query) -> None:
    """Ours are those that instruments declare; the SDK's are tested by a real run."""
    series = known()
    for name, labels in re.findall(r"(contextworker[_:][\w:]+)(?:\{([^}]*)\})?", query.expression):
        assert name in series, f"{query.where}: there is no {name}"
        asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels))
        assert asked <= series[name], f"{query.where}: {name} has no {asked - series[name]}"


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_every_alert_says_what_it_means_and_has_a_runbook(alert: dict[str, dict[str, str]]) -> None:
    """How bad it is, a summary, a description, and a section that says what to do."""
    name = str(alert["alert"])
    said = alert["annotations"]
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert said["summary"]
    assert said["description"].endswith((".", ".)"))
    assert f"docs/operations/alerts.md#{name.lower()}" == said["runbook_url"]
    assert f"\n## {name}\n" in _ALERTS


def test_every_runbook_is_of_an_alert() -> None:
    """None is left of an alert that is gone."""
    sections = set(re.findall(r"^## (\w+)$", _ALERTS, flags=re.MULTILINE))
    assert {alert["alert"] for alert in alerts()} == sections


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_say_what_they_show(dashboard: Path) -> None:
    """Each panel has a description, a unit, and legends where it has several lines."""
    assert variables(dashboard)
    for panel in panels(dashboard):
        assert panel["description"], panel["title"]
        assert panel["type"] == "table" or panel["fieldConfig"]["defaults"]["unit"]
        if panel["type"] == "timeseries":
            assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_ask_whom_there_is(dashboard: Path) -> None:
    """Everything is asked of the provisioned Prometheus, by variables that the dashboard has."""
    (source,) = load(OBSERVABILITY / "grafana/provisioning/datasources/prometheus.yaml")[
        "datasources"
    ]
    told = variables(dashboard)
    drawn = list(panels(dashboard))
    targets = [target for panel in drawn for target in panel["targets"]]
    asked = [target["expr"] for target in targets] + [each["definition"] for each in told]
    assert all(asked)
    used = {name for text in asked for name in re.findall(r"\$(\w+)", text)}

    assert {(source["type"], source["uid"])} == {
        (each["datasource"]["type"], each["datasource"]["uid"])
        for each in (*drawn, *targets, *told)
    }
    assert used - {"__rate_interval"} == {each["name"] for each in told}
    # Grafana asks by the one, and shows the other.
    assert [each["definition"] for each in told] == [each["query"]["query"] for each in told]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_lie_beside_each_other(dashboard: Path) -> None:
    """None covers another, reaches beyond the page, or has another's id."""
    drawn = json.loads(dashboard.read_text())["panels"]
    taken = Counter(
        (x, y)
        for at in (panel["gridPos"] for panel in drawn)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    )

    assert [] == [place for place, count in taken.items() if count > 1 or place[0] >= _WIDE]
    assert len(drawn) == len({panel["id"] for panel in drawn})
