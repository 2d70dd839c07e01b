"""Files of deploy/ that have a line for each module, with one more."""

from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from contextworker.cli.errors import ScaffoldError


def with_item(path: Path, text: str, key: str, item: str) -> str:
    """Return the file's text with one more item at the end of a top-level list.

    Only that line is new: writing YAML anew would change how the rest is written.

    Args:
        path: The file, for what is said of it.
        text: What it says.
        key: The list's name.
        item: The item.

    Raises:
        ScaffoldError: It has no such list, one item a line.
    """
    items = _list(path, text, key)
    last, column = items.lc.item(len(items) - 1)
    lines = text.removesuffix("\n").split("\n")
    dash = f"{' ' * (column - 2)}- "
    if not lines[last].startswith(dash):
        raise _no_list(path, key)
    longer = "\n".join([*lines[: last + 1], dash + item, *lines[last + 1 :], ""])
    if list(_list(path, longer, key)) != [*items, item]:
        raise _no_list(path, key)
    return longer


def with_setting(text: str, line: str) -> str:
    """Return a file of settings with one more, after the last that is named alike, or at the end.

    Args:
        text: What it says.
        line: The setting, such as `# HARVEST_VERSION=0.1.0`.
    """
    alike = line.partition("=")[0].rpartition("_")[2] + "="
    lines = text.removesuffix("\n").split("\n")
    last = max((number for number, one in enumerate(lines) if alike in one), default=len(lines) - 1)
    return "\n".join([*lines[: last + 1], line, *lines[last + 1 :], ""])


def _list(path: Path, text: str, key: str) -> Any:
    try:
        document = YAML().load(StringIO(text))
    except YAMLError as error:
        raise ScaffoldError(f"{path} cannot be read: {error}") from error
    items = document.get(key) if isinstance(document, dict) else None
    if not isinstance(items, list) or not items or not all(isinstance(one, str) for one in items):
        raise _no_list(path, key)
    return items


def _no_list(path: Path, key: str) -> ScaffoldError:
    return ScaffoldError(
        f"{path} has no list {key!r} with an item on each line: bring it back, or add the "
        "module by hand."
    )
