"""Find the category that a person means, or say which ones they could mean."""

from collections.abc import Mapping
from typing import Any, Final

from rapidfuzz import fuzz, process, utils

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.enrichers.categories.taxonomy import Category, Taxonomy
from contextworker.gardener.enrichers.results import TaxonomyResult

_KEYS: Final = ("id", "path", "name", "category")
_SEPARATOR: Final = ">"
_NEAREST: Final = 3
_SHOWN: Final = 5
_CUTOFF: Final = 50


def category_result(taxonomy: Taxonomy, said: Mapping[str, Any]) -> TaxonomyResult:
    """Return the category with an id, a path or a name, as the task's result has it.

    Args:
        taxonomy: The tenant's.
        said: `id`, `path` (a list, or `Camping > Tents`), `name`, or `category`: any of the three;
            of several, all must agree.

    Raises:
        InvalidInputError: It is no category of the taxonomy, the nearest are named; or more than
            one, all are named.
    """
    if unknown := sorted(set(said) - set(_KEYS)):
        raise InvalidInputError(
            f"a category has no {unknown[0]!r}: give its `id`, its `path` or its `name`"
        )
    given = {key: _text(key, said[key]) for key in _KEYS if said.get(key)}
    if not given:
        raise InvalidInputError("say which category: give its `id`, its `path` or its `name`")
    paths = {category.id: _path(taxonomy, category) for category in taxonomy}
    found = [
        category
        for category in taxonomy
        if all(_fits(key, text, category, paths[category.id]) for key, text in given.items())
    ]
    if not found:
        raise InvalidInputError(_unknown(given, taxonomy, paths))
    if len(found) > 1:
        several = ", ".join(_shown(category, paths) for category in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise InvalidInputError(
            f"{len(found)} categories are called {next(iter(given.values()))!r}: {several}{more}; "
            "give the `id`"
        )
    return result_of(taxonomy, found[0])


def result_of(taxonomy: Taxonomy, category: Category) -> TaxonomyResult:
    """Return a category as the task's result has it."""
    return TaxonomyResult(id=category.id, name=category.name, path=tuple(taxonomy.path(category)))


def _fits(key: str, text: str, category: Category, path: str) -> bool:
    match key:
        case "id":
            return category.id == text
        case "path":
            return path.casefold() == text.casefold()
        case "category":
            return any(_fits(one, text, category, path) for one in ("id", "path", "name"))
    return text.casefold() in {name.casefold() for name in (category.name, *category.synonyms)}


def _text(key: str, value: Any) -> str:
    if key == "path":
        parts = value.split(_SEPARATOR) if isinstance(value, str) else value
        if isinstance(parts, list | tuple) and all(isinstance(part, str) for part in parts):
            return _joined(part.strip() for part in parts)
        raise InvalidInputError("a category's `path` is a list of names, from the top level down")
    if key == "category" and isinstance(value, str) and _SEPARATOR in value:
        return _text("path", value)
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value).strip()
    raise InvalidInputError(f"a category's `{key}` is a text")


def _unknown(given: Mapping[str, str], taxonomy: Taxonomy, paths: Mapping[str, str]) -> str:
    said = next(iter(given.values()))
    # By whichever of its names is like it most: an id, a name, or the whole path.
    names = {category.id: (category.id, category.name, paths[category.id]) for category in taxonomy}
    words = [(identity, word) for identity, several in names.items() for word in several]
    likest = process.extract(
        said,
        [word for _, word in words],
        scorer=fuzz.WRatio,
        processor=utils.default_process,
        score_cutoff=_CUTOFF,
        limit=_NEAREST * 3,
    )
    nearest = dict.fromkeys(words[index][0] for _, _, index in likest)
    by_id = {category.id: category for category in taxonomy}
    shown = ", ".join(_shown(by_id[identity], paths) for identity in list(nearest)[:_NEAREST])
    agree = " of that " + " and ".join(f"`{key}`" for key in given) if len(given) > 1 else ""
    return f"the taxonomy has no category {said!r}{agree}" + (
        f"; nearest: {shown}" if shown else ""
    )


def _path(taxonomy: Taxonomy, category: Category) -> str:
    return _joined(taxonomy.path(category))


def _joined(names: Any) -> str:
    return f" {_SEPARATOR} ".join(names)


def _shown(category: Category, paths: Mapping[str, str]) -> str:
    return f"{category.id} ({paths[category.id]})"
