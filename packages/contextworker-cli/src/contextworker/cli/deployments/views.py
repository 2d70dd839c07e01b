"""Versions and changes as a person reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from contextworker.cli.deployments.advice import advise
from contextworker.cli.deployments.models import Change, Deployment, Routing, Version
from contextworker.cli.output.render import pairs
from contextworker.cli.output.spans import span
from contextworker.cli.output.tables import plain_table

_STYLES = {"current": "green", "ramping": "cyan", "draining": "yellow"}


def dump(deployment: Deployment) -> dict[str, Any]:
    """Return a deployment as `--json` prints it."""
    known = deployment.model_dump(mode="json")
    known["versions"] = [
        version.model_dump(mode="json")
        | {"task_queues": sorted(version.task_queues), "advice": advise(deployment, version)}
        for version in deployment.versions
    ]
    return known


def deployments_view(deployments: list[Deployment]) -> RenderableType:
    """Return every module with its versions."""
    return Group(*(_deployment(deployment) for deployment in deployments))


def change_view(change: Change) -> RenderableType:
    """Return what changed, before and after."""
    before, after = change.before, change.after
    rows: list[tuple[str, RenderableType]] = [("module", Text(change.module, style="bold"))]
    if before.current != after.current:
        rows.append(("current", _arrow(before.current or "none", after.current or "none")))
    else:
        rows.append(("current", Text(after.current or "none")))
    if (was := _ramp(before)) != (now := _ramp(after)):
        rows.append(("ramping", _arrow(was, now)))
    elif after.ramping:
        rows.append(("ramping", Text(now)))
    if change.version is not None:
        rows.append(("workers", Text(_workers(change.version))))
    rows += [("" if index else "note", Text(note)) for index, note in enumerate(change.notes)]
    return pairs(rows)


def _deployment(deployment: Deployment) -> RenderableType:
    head = Text(deployment.module, style="bold")
    if deployment.name != deployment.module:
        head.append(f" in the deployment {deployment.name}", style="not bold")
    if deployment.manager:
        head.append(f", promoted by {deployment.manager} alone", style="not bold")
    if deployment.routing.current is None:
        head.append(", no version is current: new runs wait", style="not bold yellow")
    table = plain_table("Version", "State", "New runs", "Workers", "Pinned", "Backlog", "Age")
    table.columns[0].no_wrap = True  # it is what the next command is given
    for version in deployment.versions:
        table.add_row(
            Text(version.build_id),
            Text(version.state, style=_STYLES.get(version.state, "")),
            Text(f"{version.percentage:g} %" if version.percentage else ""),
            Text(str(version.workers)),
            Text(f"{version.pinned_runs:,}"),
            Text(_backlog(version)),
            Text(span(datetime.now(UTC) - version.created_at)),
        )
    advice = [
        (version.build_id, Text(words))
        for version in deployment.versions
        if (words := advise(deployment, version))
    ]
    return Group(head, table, pairs([*advice]), Text())


def _backlog(version: Version) -> str:
    if not version.backlog:
        return ""
    return f"{version.backlog:,}, {span(timedelta(seconds=version.backlog_age_s))} old"


def _workers(version: Version) -> str:
    seen = version.last_poll_at
    if not version.workers or seen is None:
        return "0"
    last = span(datetime.now(UTC) - seen)
    return f"{version.workers}, last seen {last} ago (a death shows after 70 s)"


def _ramp(routing: Routing) -> str:
    return f"{routing.ramping} at {routing.percentage:g} %" if routing.ramping else "none"


def _arrow(before: str, after: str) -> Text:
    return Text.assemble(before, " → ", (after, "bold green"))
