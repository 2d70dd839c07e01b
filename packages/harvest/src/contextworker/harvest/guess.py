"""A mapping for a feed that nobody has mapped yet, to be looked at and pasted."""

import json
import re
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contextworker.harvest.kinds import Kind, kind_of, texts
from contextworker.harvest.likeness import guess_mapping

_SHOWN = 2
_SHOWN_LENGTH = 40
_MOST_PARAMS = 20
_PARAM_LENGTH = 60
_NAME_LENGTH = (6, 200)
_UNIQUE = 0.95
_MOST = 0.6
_DECIMAL_COMMA = re.compile(r"\d,\d{1,2}(?!\d)")
_DECIMAL_POINT = re.compile(r"\d\.\d{1,2}(?!\d)")
_SEPARATORS = (" > ", ">", " / ", "|", "/", "\\")
_ORDER = (
    "sku",
    "name",
    "brand_name",
    "category",
    "description",
    "quantity",
    "price_retail",
    "currency",
    "availability",
    "url",
    "image_url",
    "status",
)


@dataclass(frozen=True)
class GuessedMapping:
    """A mapping to be checked by a person."""

    mapping: dict[str, Any]
    """As a supplier file's `[mapping]` has it."""
    toml: str
    """The same to be pasted, with examples of what is in each column."""
    missing: tuple[str, ...]
    """Fields without which no row is a product, and which no column looks like."""


def guess(columns: Sequence[str], samples: AnyMapping[str, Sequence[Any]]) -> GuessedMapping:
    """Guess which column is what, by their names in several languages and by what is in them.

    Args:
        columns: The feed's columns.
        samples: Values of each, of the feed's first rows.
    """
    kinds = {column: kind_of(samples.get(column, ())) for column in columns}
    plain = [column for column in columns if kinds[column] not in {Kind.EMPTY, Kind.OBJECT}]
    fields = _corrected(guess_mapping(plain, samples), kinds)
    _by_shape(fields, columns, samples, kinds)
    mapping: dict[str, Any] = {field: fields[field] for field in _ORDER if field in fields}
    if separator := _separator(samples, fields.get("category")):
        mapping["category_separator"] = separator
    if decimal := _decimal(samples, fields.get("price_retail")):
        mapping["decimal"] = decimal
    params = [
        column
        for column in columns
        if column not in fields.values() and _is_attribute(kinds[column], samples[column])
    ]
    objects = [column for column in columns if kinds[column] is Kind.OBJECT]
    if objects:
        named = {column: column for column in params[: _MOST_PARAMS - 1]}
        mapping["params"] = {"*": objects[0], **named} if named else objects[0]
    elif params:
        mapping["params"] = params[:_MOST_PARAMS]
    missing = tuple(field for field in ("sku", "name") if field not in fields)
    return GuessedMapping(mapping, _toml(mapping, missing, samples), missing)


def _corrected(named: dict[str, str], kinds: AnyMapping[str, Kind]) -> dict[str, str]:
    """Take a column of images for one, whatever its name's other meanings."""
    fields = dict(named)
    if (column := fields.get("url")) and kinds[column] is Kind.IMAGE and "image_url" not in fields:
        fields["image_url"] = fields.pop("url")
    if (column := fields.get("price_retail")) and kinds[column] not in {Kind.AMOUNT, Kind.WHOLE}:
        del fields["price_retail"]
    return fields


def _by_shape(
    fields: dict[str, str],
    columns: Sequence[str],
    samples: AnyMapping[str, Sequence[Any]],
    kinds: AnyMapping[str, Kind],
) -> None:
    """Find what no column's name tells of, by its values."""

    def first(field: str, *wanted: Kind) -> None:
        free = (name for name in columns if name not in fields.values() and kinds[name] in wanted)
        if field not in fields and (found := next(free, None)) is not None:
            fields[field] = found

    if "sku" not in fields:
        codes = [
            column
            for column in columns
            if column not in fields.values()
            and kinds[column] in {Kind.CODE, Kind.WHOLE}
            and _is_unique(samples[column])
        ]
        if codes:
            fields["sku"] = codes[0]
    if "name" not in fields:
        names = [
            column
            for column in columns
            if column not in fields.values()
            and kinds[column] is Kind.TEXT
            and _is_unique(samples[column])
            and _NAME_LENGTH[0] <= _length(samples[column]) <= _NAME_LENGTH[1]
        ]
        if names:
            fields["name"] = names[0]
    first("image_url", Kind.IMAGE)
    first("url", Kind.ADDRESS)
    if "price_retail" not in fields:
        first("price_retail", Kind.AMOUNT)


def _is_unique(values: Sequence[Any]) -> bool:
    found = texts(values)
    return len(found) >= _MOST * len(values) and len(set(found)) >= _UNIQUE * len(found)


def _length(values: Sequence[Any]) -> float:
    found = texts(values)
    return sum(map(len, found)) / max(1, len(found))


def _is_attribute(kind: Kind, values: Sequence[Any]) -> bool:
    if kind in {Kind.EMPTY, Kind.IMAGE, Kind.ADDRESS, Kind.OBJECT}:
        return False
    return _length(values) <= _PARAM_LENGTH


def _separator(samples: AnyMapping[str, Sequence[Any]], column: str | None) -> str | None:
    found = texts(samples[column]) if column else []
    for separator in _SEPARATORS:
        if found and sum(separator in text for text in found) >= _MOST * len(found):
            return separator.strip()
    return None


def _decimal(samples: AnyMapping[str, Sequence[Any]], column: str | None) -> str | None:
    """Return the decimal mark where the prices leave no doubt; a point alone is understood."""
    found = texts(samples[column]) if column else []
    commas = sum(_DECIMAL_COMMA.search(text) is not None for text in found)
    points = sum(_DECIMAL_POINT.search(text) is not None for text in found)
    return "," if commas and not points else None


def _toml(
    mapping: dict[str, Any], missing: Sequence[str], samples: AnyMapping[str, Sequence[Any]]
) -> str:
    lines = ["[mapping]"]
    lines += [
        f'# {field} = "…"  # no column looks like it: name the one that is' for field in missing
    ]
    for field, value in mapping.items():
        shown = _examples(samples.get(value, ())) if field in _ORDER else ""
        written = _toml_value(value)
        lines.append(f"{field} = {written}" + (f"  # {shown}" if shown else ""))
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        inner = (
            f"{json.dumps(key, ensure_ascii=False)} = {_toml_value(value[key])}" for key in value
        )
        return f"{{ {', '.join(inner)} }}"
    return json.dumps(value, ensure_ascii=False)


def _examples(values: Sequence[Any]) -> str:
    found = dict.fromkeys(" ".join(text.split()) for text in texts(values))
    printable = ["".join(filter(str.isprintable, text)) for text in list(found)[:_SHOWN]]
    return ", ".join(
        text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"
        for text in printable
    )
