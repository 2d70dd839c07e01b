"""The lists a member stands in: each gets its line, and nothing else changes."""

import difflib
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from contextworker.cli.errors import ScaffoldError
from contextworker.cli.scaffold.lists import with_item, with_setting
from contextworker.cli.scaffold.membership import with_member
from contextworker.cli.scaffold.names import ModuleName

REPOSITORY = Path(__file__).parents[3]
PYPROJECT = (REPOSITORY / "pyproject.toml").read_text()
INVENTORY = ModuleName("inventory")


def added(before: str, after: str) -> list[str]:
    """The lines that are new; fails where one is gone."""
    difference = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    assert [] == [line for line in difference if line.startswith("- ")]
    return [line[2:].strip() for line in difference if line.startswith("+ ")]


def test_the_root_gets_the_member_everywhere() -> None:
    """Dependencies, sources, types and import contracts, read back by TOML's own reader."""
    root = tomllib.loads(with_member(PYPROJECT, INVENTORY))

    assert "contextworker-inventory" in root["project"]["dependencies"]
    assert {"workspace": True} == root["tool"]["uv"]["sources"]["contextworker-inventory"]
    assert "packages/inventory/src" in root["tool"]["mypy"]["mypy_path"]
    assert "packages/inventory" in root["tool"]["mypy"]["files"]
    linter = root["tool"]["importlinter"]
    assert "contextworker.inventory" in linter["root_packages"]
    layers = [layer for one in linter["contracts"] for layer in one.get("layers", [])]
    [layer] = [layer for layer in layers if "contextworker.gateway" in layer]
    assert layer.endswith(" | contextworker.inventory")
    [workflows] = [
        one
        for one in linter["contracts"]
        if "contextworker.harvest.workflows" in one.get("source_modules", [])
    ]
    assert "contextworker.inventory.workflows" in workflows["source_modules"]
    assert "contextworker.inventory.activities" in workflows["forbidden_modules"]


def test_nothing_else_of_the_root_changes() -> None:
    """Comments, order and layout stay; the new lines stand in alphabetical order."""
    after = with_member(PYPROJECT, INVENTORY)
    lines = after.splitlines()

    kept = [line for line in PYPROJECT.splitlines() if "contextworker.gateway |" not in line]
    multiline = "source_modules = ["
    assert [] == [line for line in kept if line not in lines and not line.startswith(multiline)]
    assert len(lines) <= len(PYPROJECT.splitlines()) + 11
    for line in ('    "contextworker-inventory",', '    "packages/inventory/src",'):
        assert sorted([lines[lines.index(line) - 1], line]) == [
            lines[lines.index(line) - 1],
            line,
        ]
    assert "contextworker-inventory = { workspace = true }" in lines
    assert "" == lines[lines.index("[tool.pytest]") - 1]


def test_two_members_can_be_added() -> None:
    """The second finds what the first left."""
    both = with_member(with_member(PYPROJECT, INVENTORY), ModuleName("price_watch"))

    root = tomllib.loads(both)
    assert {"contextworker-inventory", "contextworker-price-watch"} < set(
        root["project"]["dependencies"]
    )
    assert {"contextworker-inventory", "contextworker-price-watch"} < set(
        root["tool"]["uv"]["sources"]
    )


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("[tool.uv.sources]", "no tool.uv.sources"),
        ("mypy_path", "no tool.mypy.mypy_path"),
        ("[[tool.importlinter.contracts]]", "no tool.importlinter.contracts"),
        ('type = "layers"\nlayers', "an import contract with the layers"),
    ],
    ids=["sources", "types", "contracts", "layers"],
)
def test_a_list_that_is_missing_is_named(gone: str, says: str) -> None:
    """A root that was rearranged is left alone."""
    rearranged = PYPROJECT.replace(gone, gone.replace("tool.", "tool.gone.").replace("y", "z"))
    with pytest.raises(ScaffoldError) as caught:
        with_member(rearranged, INVENTORY)

    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("path", "key", "item"),
    [
        ("deploy/compose.yaml", "include", "compose/inventory.yaml"),
        ("deploy/kubernetes/kustomization.yaml", "resources", "inventory"),
        ("deploy/kubernetes/controller/kustomization.yaml", "resources", "inventory"),
    ],
)
def test_a_list_in_yaml_gets_one_line(path: str, key: str, item: str) -> None:
    """At its end, with everything else as it was."""
    text = (REPOSITORY / path).read_text()
    longer = with_item(Path(path), text, key, item)

    assert [f"- {item}"] == added(text, longer)
    assert item == YAML(typ="safe").load(longer)[key][-1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("other: [a]\n", "has no list 'resources'"),
        ("resources: []\n", "has no list 'resources'"),
        ("resources: [a, b]\n", "has no list 'resources' with an item on each line"),
        ("resources:\n  - a: b\n", "has no list 'resources'"),
        ("- a\n", "has no list 'resources'"),
        ("resources: [\n", "list.yaml cannot be read"),
    ],
    ids=["missing", "empty", "one-line", "tables", "no-table", "broken"],
)
def test_another_yaml_is_refused(text: str, says: str) -> None:
    """Rather than written anew in a way nobody asked for."""
    with pytest.raises(ScaffoldError) as caught:
        with_item(Path("list.yaml"), text, "resources", "inventory")

    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["resources:\n- a\n- b\n", "resources:\n    - a # why\nnext: 1\n", "x: 1\nresources:\n  - a"],
    ids=["not-indented", "comment", "no-line-end"],
)
def test_a_list_keeps_its_indentation(text: str) -> None:
    """Whoever wrote it."""
    longer = with_item(Path("list.yaml"), text, "resources", "inventory")

    assert "inventory" == YAML(typ="safe").load(longer)["resources"][-1]
    assert text.splitlines() == [line for line in longer.splitlines() if "inventory" not in line]


def test_the_settings_of_compose_get_one_line() -> None:
    """The version of the new image, after those of the others."""
    text = (REPOSITORY / "deploy/.env.example").read_text()
    longer = with_setting(text, "# INVENTORY_VERSION=0.1.0")
    lines = longer.splitlines()

    assert ["# INVENTORY_VERSION=0.1.0"] == added(text, longer)
    assert "_VERSION=" in lines[lines.index("# INVENTORY_VERSION=0.1.0") - 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A_VERSION=1\n\nB=2\n", "A_VERSION=1\n# NEW_VERSION=0.1.0\n\nB=2\n"),
        ("B=2", "B=2\n# NEW_VERSION=0.1.0\n"),
    ],
    ids=["alike", "none"],
)
def test_a_setting_goes_after_its_kind_or_to_the_end(text: str, expected: str) -> None:
    """Wherever people have put them."""
    assert expected == with_setting(text, "# NEW_VERSION=0.1.0")
