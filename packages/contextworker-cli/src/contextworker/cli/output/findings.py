"""What the gardener found out, in a line: each task's result as a person reads it."""

from collections.abc import Mapping, Sequence
from typing import Any


def finding(task: str, result: Mapping[str, Any]) -> str:
    """Say a task's result in a line; empty where it is nothing."""
    match task:
        case "taxonomy":
            return category(result)
        case "ner":
            return name_parts(result)
        case "params":
            return measures(result)
        case "tech":
            return known(result)
    return ", ".join(f"{key} {value}" for key, value in result.items())


def category(result: Mapping[str, Any]) -> str:
    """Say a category by its path and its id."""
    path = result.get("path")
    words = " > ".join(map(str, path)) if isinstance(path, list | tuple) else ""
    words = words or str(result.get("name") or "")
    identity = result.get("id")
    return f"{words} ({identity})".strip() if identity else words


def name_parts(result: Mapping[str, Any]) -> str:
    """Say what a product is called, part by part."""
    parts = {key: result[key] for key in ("product_type", "brand", "model") if result.get(key)}
    said = [f"{key.replace('_', ' ')} {value}" for key, value in parts.items()]
    return ", ".join([*said, *filter(None, [variant(result)])])


def variant(result: Mapping[str, Any]) -> str:
    """Say colours and size, such as `colour red, size L`."""
    found = result.get("variant")
    if not isinstance(found, Mapping):
        return ""
    colours = found.get("colour")
    said = [f"colour {_listed(colours)}"] if colours else []
    return ", ".join([*said, *([f"size {found['size']}"] if found.get("size") else [])])


def measures(result: Mapping[str, Any]) -> str:
    """Say what was measured, such as `weight 2.1 kg, pack count 4 pcs`."""
    return ", ".join(
        f"{name.replace('_', ' ')} {measure(value)}" for name, value in result.items() if value
    )


def known(result: Mapping[str, Any]) -> str:
    """Say technologies and materials by their names."""
    lists = [several for several in result.values() if isinstance(several, list | tuple)]
    found = [item for several in lists for item in several if isinstance(item, Mapping)]
    return ", ".join(str(item.get("name") or item.get("id")) for item in found)


def measure(found: Any) -> str:
    """Say a measure with its unit."""
    value = found.get("value") if isinstance(found, Mapping) else found
    unit = found.get("unit") if isinstance(found, Mapping) else None
    if isinstance(value, list | tuple):
        text = (" x " if unit else ", ").join(_number(item) for item in value)
    else:
        text = _number(value)
    return f"{text} {unit}" if unit else text


def _listed(value: Any) -> str:
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return ", ".join(map(str, several))


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
