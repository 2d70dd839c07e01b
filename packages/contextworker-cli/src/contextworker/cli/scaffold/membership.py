"""The root pyproject.toml with one more member: dependencies, sources, types, import contracts."""

from collections.abc import Callable
from typing import Any

import tomlkit
from tomlkit.items import AoT, Array, Table

from contextworker.cli.errors import ScaffoldError
from contextworker.cli.scaffold.names import ModuleName

_GATEWAY = "contextworker.gateway"
_WIDTH = 100


def with_member(text: str, name: ModuleName) -> str:
    """Return the file's text with the member added wherever members are listed.

    Everything else stays as it is written, comments too.

    Raises:
        ScaffoldError: A list is not there; says which.
    """
    document = tomlkit.parse(text)
    distribution, imported = f"contextworker-{name.dashed}", f"contextworker.{name.package}"
    folder = f"packages/{name.package}"
    _add(_array(document, "project", "dependencies"), distribution, _starts("contextworker-"))
    sources = _at(document, "tool", "uv", "sources")
    sources.append(distribution, tomlkit.parse("it = { workspace = true }\n")["it"])
    _add(
        _array(document, "tool", "mypy", "mypy_path"),
        f"{folder}/src",
        lambda item: item.startswith("packages/") and item.endswith("/src"),
    )
    _add(_array(document, "tool", "mypy", "files"), folder, _starts("packages/"))
    roots = _array(document, "tool", "importlinter", "root_packages")
    _add(roots, imported, _starts("contextworker."))
    _into_contracts(document, imported)
    return tomlkit.dumps(document)


def _into_contracts(document: Any, imported: str) -> None:
    contracts = _at(document, "tool", "importlinter", "contracts")
    tables = contracts.body if isinstance(contracts, AoT) else []
    layers = [table for table in tables if _beside_gateway(table) is not None]
    workflows = [
        table
        for table in tables
        if any(str(item).endswith(".workflows") for item in table.get("source_modules", []))
    ]
    if len(layers) != 1 or len(workflows) != 1:
        raise _missing("an import contract with the layers, and one on workflows")
    index = _beside_gateway(layers[0])
    layer = layers[0]["layers"]
    layer[index] = f"{layer[index]} | {imported}"
    _add(workflows[0]["source_modules"], f"{imported}.workflows", _starts("contextworker."))
    _add(workflows[0]["forbidden_modules"], f"{imported}.activities", _starts("contextworker."))


def _beside_gateway(contract: Table) -> int | None:
    for index, layer in enumerate(contract.get("layers", [])):
        if _GATEWAY in str(layer).replace("|", " ").split():
            return index
    return None


def _add(array: Array, new: str, is_alike: Callable[[str], bool]) -> None:
    """Insert in alphabetical order among the items of its kind, or at the end."""
    alike = [index for index, item in enumerate(array) if is_alike(str(item))]
    before = [index for index in alike if str(array[index]) < new]
    fallback = alike[0] if alike else len(array)
    array.insert(before[-1] + 1 if before else fallback, new)
    if "\n" not in array.as_string() and len(array.as_string()) > _WIDTH - len("source_modules = "):
        array.multiline(multiline=True)


def _starts(prefix: str) -> Callable[[str], bool]:
    return lambda item: item.startswith(prefix)


def _array(document: Any, *path: str) -> Array:
    found = _at(document, *path)
    if not isinstance(found, Array):
        raise _missing(".".join(path))
    return found


def _at(document: Any, *path: str) -> Any:
    for key in path:
        if key not in document:
            raise _missing(".".join(path))
        document = document[key]
    return document


def _missing(what: str) -> ScaffoldError:
    return ScaffoldError(
        f"The workspace's pyproject.toml has no {what}: bring it back, or add the member by hand "
        "as the others are."
    )
