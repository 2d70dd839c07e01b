"""What SECURITY.md says of permissions and addresses is what the code does."""

import re
from pathlib import Path

from contextcore import worker_pb2
from contextworker.gateway.identity.permissions import ADMIN, PERMISSIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading's row."""
    lines = PAGE[PAGE.index(heading) :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_says_what_each_permission_permits() -> None:
    """Every RPC of the service stands at the one permission that it takes."""
    told = {
        rpc: permission.strip("`")
        for permission, rpcs, _ in rows("| permission | RPCs |")
        for rpc in re.findall(r"`(\w+)`", rpcs)
    }
    service = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"]

    assert dict(PERMISSIONS) == told
    assert {method.name for method in service.methods} == set(told)
    assert any(ADMIN in row[0] and row[1] == "every one" for row in rows("| permission | RPCs |"))


def test_the_page_lists_every_address_that_is_listened_on() -> None:
    """With its default, as the table of settings has them."""
    table = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    settings = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]*)`? \|", table, re.MULTILINE))
    listed = {
        name: default
        for _, names, defaults, *_ in rows("| process | address |")
        for name, default in zip(
            re.findall(r"`(\w+)`", names),
            re.findall(r"`([^`]*)`", defaults) or [""],
            strict=False,
        )
    }
    listens = {
        name
        for name in settings
        if name == "WORKER_PORT"
        or (re.search(r"_(HOST|PORT)$|(HEALTH|METRICS)_ADDRESS$", name) and "TEMPORAL" not in name)
    }

    assert {name: settings[name].strip() for name in listens} == {
        name: default for name, default in listed.items() if name in settings
    }
