"""Labels as models learn them: checked against the task, and written in one way."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

from contextworker.gardener.enrichers.categories.taxonomy import Category, Taxonomy

Labels = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""Turns a label as people write it into what models learn; None where it teaches nothing."""

_SEPARATOR: Final = ">"


class CategoryLabels:
    """Labels of task `taxonomy`: the ids from the top level down to the category."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self._by_name: defaultdict[str, list[Category]] = defaultdict(list)
        for category in taxonomy:
            self._by_name[category.name.casefold()].append(category)

    def __call__(self, label: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the ids; None for what is no category of the taxonomy."""
        found = self._find(label)
        return {"path": self._taxonomy.path_ids(found)} if found else None

    def _find(self, label: Mapping[str, Any]) -> Category | None:
        if (identity := label.get("id")) is not None:
            return self._taxonomy.get(str(identity))
        path = label.get("path")
        if isinstance(path, str):
            path = [name.strip() for name in path.split(_SEPARATOR)]
        if isinstance(path, list | tuple):
            return self._taxonomy.by_path([str(name) for name in path])
        named = self._by_name.get(str(label.get("name", "")).casefold(), [])
        return named[0] if len(named) == 1 else None


def name_labels(label: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a label of task `ner`; None where it says nothing of brand or model."""
    return label if {"brand", "model"}.intersection(label) else None


UNUSABLE: Final = {
    "taxonomy": "its label names no category of the taxonomy, by `id` or `path`",
    "ner": "its label says neither `brand` nor `model`",
}
"""Why a label teaches nothing."""
