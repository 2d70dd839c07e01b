"""Files of categories: a TOML tree, Google's product taxonomy, levels as of GPC."""

import csv
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from contextworker.gardener.enrichers.categories.taxonomy import Category
from contextworker.gardener.enrichers.problems import problem

_LONGEST = 200
_PATH: Final = re.compile(r"(?:(\d{1,20})\s+-\s+)?(.+)")
_LEVEL: Final = re.compile(r"(?:lvl|level)[ _]?(\d)", re.IGNORECASE)
_CODE: Final = re.compile(r"(.*?)[ _]?(?:code|id)", re.IGNORECASE)
_TITLE: Final = re.compile(r"(.*?)[ _]?(?:title|name|description)", re.IGNORECASE)
_CODE_NAME: Final = re.compile(r"(\d{1,20})_(.+)", re.DOTALL)

Row = tuple[int, Mapping[str, Any]]
"""A line's number and its fields."""
_Step = tuple[str, str]
"""A category on a row's way down: its id and name."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)*$", max_length=_LONGEST)
    name: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        min_length=1, max_length=_LONGEST
    )
    synonyms: tuple[str, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    category: list[_Entry] = Field(min_length=1)


def read_categories(path: Path | None = None) -> Iterable[Category]:
    """Read a file of any kind, which its content tells; without a path, the packaged one.

    Raises:
        OSError: It cannot be read.
        ValueError: It is none of these, or a line of it is wrong; says which.
    """
    source = path or files("contextworker.gardener") / "data" / "taxonomy.toml"
    try:
        text = source.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no UTF-8: {error.reason} at byte {error.start:,}") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    first = lines[0] if lines else ""
    if (path or Path("taxonomy.toml")).suffix.lower() == ".toml" or first.startswith("["):
        return _toml(text)
    if not first:
        raise ValueError("it is empty")
    if first.startswith("{"):
        return _levels(_json_rows(text))
    delimiter = next((char for char in "\t;," if _has_levels(first.split(char))), None)
    if delimiter:
        return _levels(_table_rows(text, delimiter))
    if _PATH.fullmatch(first) and (">" in text or re.match(r"\d+ - ", first)):
        return _paths(text)
    raise ValueError(
        f"its first line {first[:60]!r} begins neither a TOML tree ([[category]]), nor Google's "
        "taxonomy (1 - Animals), nor a table with columns such as lvl1, lvl2 or segment_code, "
        "segment_title"
    )


def _toml(text: str) -> Iterator[Category]:
    try:
        entries = _File.model_validate(tomllib.loads(text)).category
    except ValidationError as error:
        raise ValueError(problem(error, _File, _Entry)) from None
    for entry in entries:
        parent = entry.id.rpartition(".")[0]
        yield Category(entry.id, entry.name, entry.synonyms, parent)


def _paths(text: str) -> Iterator[Category]:
    """Read lines such as `3 - Animals > Pet Supplies`, each parent in a line of its own."""
    ids: dict[tuple[str, ...], str] = {}
    numbers: dict[str, int] = {}
    found: list[tuple[int, str, tuple[str, ...]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _PATH.fullmatch(line.strip())
        path = tuple(name.strip() for name in match[2].split(">")) if match else ()
        if not match or not all(path) or any(len(name) > _LONGEST for name in path):
            raise ValueError(
                f"line {number}: {line[:60]!r} is no path such as `1 - Animals > Pets`"
            )
        category_id = match[1] or " > ".join(path)
        if category_id in numbers:
            raise ValueError(
                f"line {number}: the id {category_id!r} is there already, in line "
                f"{numbers[category_id]}"
            )
        if path in ids:
            raise ValueError(
                f"line {number}: {' > '.join(path)!r} is there already, in line "
                f"{numbers[ids[path]]}"
            )
        numbers[category_id] = number
        ids[path] = category_id
        found.append((number, category_id, path))
    for number, category_id, path in found:
        if len(path) > 1 and path[:-1] not in ids:
            raise ValueError(
                f"line {number}: {' > '.join(path)!r} has no parent: add a line for "
                f"{' > '.join(path[:-1])!r}"
            )
        yield Category(category_id, path[-1], (), ids.get(path[:-1], ""))


def _json_rows(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number} is no JSON: {error}") from None
        if not isinstance(row, dict):
            raise ValueError(  # noqa: TRY004 -- a wrong file, like its other errors
                f"line {number}: {line[:60]!r} is no JSON object"
            )
        yield number, row


def _table_rows(text: str, delimiter: str) -> Iterator[Row]:
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num} is no row of a table: {error}") from None


def _levels(rows: Iterable[Row]) -> Iterator[Category]:
    """Read rows that each name a category at every level, the same one in many rows."""
    seen: dict[str, tuple[Category, int]] = {}
    ways: dict[tuple[Any, ...], int] = {}
    columns: list[tuple[str, str]] | None = None
    for number, row in rows:
        if columns is None:
            columns = _columns([str(key) for key in row])
        way = tuple((row.get(code), row.get(title)) for code, title in columns)
        if ways.setdefault(way, number) != number:
            continue
        parent = ""
        for category_id, name in _steps(number, way, columns):
            category = Category(category_id, name, (), parent)
            other, line = seen.setdefault(category_id, (category, number))
            if other != category:
                what = "name" if other.name != name else "parent"
                raise ValueError(
                    f"line {number}: {category_id!r} has another {what} than in line {line}: "
                    f"{getattr(category, _FIELDS[what])!r}, not {getattr(other, _FIELDS[what])!r}"
                )
            parent = category_id
    for category, _ in seen.values():
        yield category


_FIELDS: Final = {"name": "name", "parent": "parent_id"}


def _steps(
    number: int, way: tuple[tuple[Any, Any], ...], columns: list[tuple[str, str]]
) -> Iterator[_Step]:
    names: list[str] = []
    ended = ""
    for (code, title), (code_column, title_column) in zip(way, columns, strict=True):
        said = "" if title is None else str(title).strip()
        if not said:
            ended = ended or title_column
            continue
        if ended:
            raise ValueError(f"line {number} has a {title_column}, but no {ended} above it")
        if code_column != title_column:
            category_id = "" if code is None else str(code).strip()
            if not category_id:
                raise ValueError(f"line {number} has a {title_column}, but no {code_column}")
        elif match := _CODE_NAME.fullmatch(said):
            category_id, said = match[1], match[2].strip()
        else:
            category_id = " > ".join([*names, said])
        if len(said) > _LONGEST or len(category_id) > _LONGEST * len(columns):
            raise ValueError(f"line {number}: {said[:60]!r}… is too long for a name")
        names.append(said)
        yield category_id, said


def _has_levels(header: list[str]) -> bool:
    try:
        return bool(_columns([name.strip().strip('"') for name in header]))
    except ValueError:
        return False


def _columns(header: list[str]) -> list[tuple[str, str]]:
    """Return the code and title column of each level, the same one where it holds both."""
    levels = sorted(
        (int(match[1]), name) for name in header if (match := _LEVEL.fullmatch(name.strip()))
    )
    if levels:
        return [(name, name) for _, name in levels]
    codes = {m[1].casefold(): name for name in header if (m := _CODE.fullmatch(name.strip()))}
    titles: dict[str, str] = {}
    for name in header:
        if match := _TITLE.fullmatch(name.strip()):
            titles.setdefault(match[1].casefold(), name)
    pairs = [(codes[level], title) for level, title in titles.items() if level in codes]
    if not pairs:
        raise ValueError(
            f"its columns {', '.join(header)[:120]} name no levels; they are called lvl1, lvl2 … "
            "or segment_code, segment_title, family_code, family_title …"
        )
    return pairs
