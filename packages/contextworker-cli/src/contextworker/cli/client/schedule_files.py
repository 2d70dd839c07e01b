"""Schedules from a file: TOML, or JSON from stdin."""

import json
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contextworker.cli.errors import CliError, UsageError

_STDIN = "-"
_EXAMPLE = (
    "[[schedules]]",
    'schedule_id = "nightly"',
    'workflow_type = "harvest"',
    'cron = "0 3 * * *"',
    'payload = { supplier_code = "camping-trade" }',
)


@dataclass(frozen=True)
class GivenSchedules:
    """What a file holds; the gateway checks each schedule."""

    schedules: list[dict[str, Any]]
    tenant_id: str | None


def read_schedules(file: str) -> GivenSchedules:
    """Read a TOML file, or JSON from stdin where `file` is `-`.

    Raises:
        CliError: It cannot be read.
        UsageError: It holds no schedules.
    """
    name = "stdin" if file == _STDIN else file
    content = _content(file)
    if isinstance(content, list):
        content = {"schedules": content}
    schedules = content.get("schedules") if isinstance(content, dict) else None
    if not isinstance(schedules, list) or not all(isinstance(one, dict) for one in schedules):
        raise UsageError(f"{name} holds no schedules; one is written as:", _EXAMPLE)
    if unknown := sorted(content.keys() - {"schedules", "tenant_id"}):
        raise UsageError(
            f"{name} holds {', '.join(unknown)} beside its schedules: "
            "only tenant_id can stand there."
        )
    return GivenSchedules(schedules, content.get("tenant_id"))


def _content(file: str) -> Any:
    try:
        if file == _STDIN:
            return json.load(sys.stdin)
        return tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise CliError(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # both parsers' errors are, and undecodable text
        kind = "JSON" if file == _STDIN else "TOML"
        name = "stdin" if file == _STDIN else file
        raise UsageError(f"{name} is no {kind}: {error}") from error
