"""Every expression that dashboards draw and rules ask for."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from manifests import DEPLOY, load

OBSERVABILITY = DEPLOY / "observability"
RULES = OBSERVABILITY / "prometheus" / "rules.yaml"
DASHBOARDS = sorted((OBSERVABILITY / "grafana" / "dashboards").glob("*.json"))

_COMPARISON = re.compile(r"\s*(?<![=!~<>])(?:==|<=|>=|<|>)\s*[\d.]+(?:\s*\*\s*[\d.]+)?\s*$")
_RANGE = "30m"


@dataclass(frozen=True)
class Query:
    """An expression, and where it stands."""

    where: str
    expression: str
    is_alert: bool = False

    def parts(self) -> list[str]:
        """Return what must have data: of an alert, each side of its conditions without them."""
        if not self.is_alert:
            return [self.expression]
        absent = re.fullmatch(r"absent\((.*)\)", self.expression)
        sides = re.split(r"\s(?:and|unless)\s", absent[1] if absent else self.expression)
        return [_COMPARISON.sub("", _without_scaled(side)).strip() for side in sides]


def _without_scaled(side: str) -> str:
    """Leave out a comparison with another series."""
    return side.partition(" > 3 * ")[0]


@cache
def rules() -> tuple[dict[str, Any], ...]:
    """Return every rule."""
    return tuple(rule for group in load(RULES)["groups"] for rule in group["rules"])


def alerts() -> list[dict[str, Any]]:
    """Return every alert."""
    return [rule for rule in rules() if "alert" in rule]


def panels(dashboard: Path) -> Iterator[dict[str, Any]]:
    """Yield a dashboard's panels."""
    return (p for p in json.loads(dashboard.read_text())["panels"] if p["type"] != "row")


def variables(dashboard: Path) -> list[dict[str, Any]]:
    """Return a dashboard's variables."""
    found: list[dict[str, Any]] = json.loads(dashboard.read_text())["templating"]["list"]
    return found


def queries() -> list[Query]:
    """Return every query, with all values of each variable."""
    found = [
        Query(rule.get("alert") or rule["record"], rule["expr"], is_alert="alert" in rule)
        for rule in rules()
    ]
    for dashboard in DASHBOARDS:
        found += [
            Query(
                f"{dashboard.stem}: {panel['title']}",
                re.sub(r"\$(?!__)\w+", ".*", target["expr"]).replace("$__rate_interval", _RANGE),
            )
            for panel in panels(dashboard)
            for target in panel["targets"]
        ]
        for variable in variables(dashboard):
            asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
            assert asked, variable
            selector = re.sub(r"\$\w+", ".*", asked[1])
            found.append(
                Query(
                    f"{dashboard.stem}: ${variable['name']}", f"count by ({asked[2]}) ({selector})"
                )
            )
    return found
