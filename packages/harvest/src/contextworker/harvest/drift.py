"""Schema drift: a feed whose columns are not those that its mapping names."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from contextworker.harvest.errors import SchemaDriftError
from contextworker.harvest.feeds.blocks import BadRow, RawRow
from contextworker.harvest.likeness import meaning_likeness, name_likeness, shape_likeness
from contextworker.harvest.suppliers.binding import Binding, toml_key
from contextworker.harvest.suppliers.mapping import Mapping

_SAMPLE_ROWS = 200
_MOST_COLUMNS = 1000
_SHOWN = 30
_LIKELY = 0.5


class DriftWatch:
    """Sees which columns a feed has, and says which of those that are needed it lacks."""

    def __init__(
        self,
        mapping: Mapping,
        *,
        supplier_code: str,
        source: str,
        has_header: bool,
        previous: Sequence[str],
        hint: str = "",
    ) -> None:
        """Watch a feed; `hint` is what to say besides where a column is lost."""
        self._mapping = mapping
        self._file = f"{supplier_code}.toml"
        self._source = source
        self._has_header = has_header
        self._previous = frozenset(previous)
        self._hint = hint
        self._samples: dict[str, list[Any]] = {}
        self._named = mapping.columns
        self._rows = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns seen, in the feed's order."""
        return tuple(self._samples)

    def see_frame(self, frame: pl.DataFrame) -> None:
        """Note a block's columns.

        Raises:
            SchemaDriftError: They are all that will come, and a needed one is not among them.
        """
        for column in frame.columns:
            if self._is_new(column):
                self._samples[column] = frame[column].head(_SAMPLE_ROWS).to_list()
        if self._has_header and not self._rows:
            self._check()
        self._rows += frame.height

    def see_rows(self, rows: Sequence[RawRow | BadRow]) -> None:
        """Note the columns of rows; as `see_frame`."""
        for row in rows:
            if not isinstance(row, RawRow):
                continue
            for column, value in row.values.items():
                if self._is_new(column):
                    self._samples[column] = []
                sample = self._samples.get(column)
                if sample is not None and len(sample) < _SAMPLE_ROWS:
                    sample.append(value)
            if self._has_header and not self._rows:
                self._check()
            self._rows += 1

    def finish(self) -> tuple[str, ...]:
        """Return a warning for each optional column that is gone since the last harvest.

        Raises:
            SchemaDriftError: A needed column never came.
        """
        if not self._rows:
            return ()
        self._check()
        gone = sorted((self._named & self._previous) - self._samples.keys())
        return tuple(
            f"the feed {self._source} no longer has the column {column!r}; what came from it is "
            "left empty"
            for column in gone
        )

    def _is_new(self, column: str) -> bool:
        has_room = len(self._samples) < _MOST_COLUMNS or column in self._named
        return has_room and column not in self._samples

    def _check(self) -> None:
        problems = [
            self._sentence(field, binding, lost)
            for field, binding in _needed(self._mapping)
            for lost in self._lost(binding)
        ]
        if problems:
            shown = list(self._samples)[:_SHOWN]
            more = len(self._samples) - len(shown)
            columns = ", ".join(shown) + (f" and {more} more" if more else "")
            what = "has changed its columns" if self._previous else "lacks columns that are mapped"
            raise SchemaDriftError(
                f"the feed {self._source} {what}: {'; '.join(problems)}. Nothing was stored. "
                f"{self._hint}The feed has the columns: {columns}"
            )

    def _lost(self, binding: Binding) -> Iterator[tuple[str, ...]]:
        """Yield what is missing: columns of which one would do, or single ones."""
        if not binding.optional:
            if binding.columns is not None:
                if not any(column in self._samples for column in binding.columns):
                    yield binding.columns
            else:
                yield from ((name,) for name in binding.origins if name not in self._samples)
        yield from ((name,) for name in binding.further if name not in self._samples)

    def _sentence(self, field: str, binding: Binding, lost: tuple[str, ...]) -> str:
        names = " or ".join(map(repr, lost))
        what = f"{field} comes from the column {names}, which is not there"
        likely = self._likeliest(field, lost)
        if likely is None:
            return (
                f"{what}; name its new column in {self._file} or, if it is gone for good, "
                f"{_drop(field, binding, lost)}"
            )
        return (
            f"{what}; the likeliest new one is {likely!r}: to accept it, write "
            f"{_line(field, binding, lost, likely)} in {self._file}"
        )

    def _likeliest(self, field: str, lost: tuple[str, ...]) -> str | None:
        scores = {
            column: self._score(field, lost, column)
            for column in self._samples
            if column not in self._named
        }
        best = max(scores, key=lambda column: scores[column], default=None)
        return best if best is not None and scores[best] >= _LIKELY else None

    def _score(self, field: str, lost: tuple[str, ...], column: str) -> float:
        field = field.removeprefix("params.")
        named = max(name_likeness(name, column) for name in lost)
        score = max(named, 0.9 * meaning_likeness(field, column))
        shape = shape_likeness(field, self._samples[column])
        if shape is not None:
            score *= 0.3 + 0.7 * shape
        is_new = bool(self._previous) and column not in self._previous
        return score + (0.2 if is_new else 0.0)


def _needed(mapping: Mapping) -> Iterator[tuple[str, Binding]]:
    yield from mapping.bindings.items()
    if mapping.params.object is not None:
        yield "params", mapping.params.object
    yield from ((f"params.{name}", bound) for name, bound in mapping.params.named.items())


def _drop(field: str, binding: Binding, lost: tuple[str, ...]) -> str:
    if field in {"sku", "name"}:
        return "ask the supplier to bring it back"
    if field.startswith("params") or lost[0] in binding.further:
        return f"take {field} out of its [mapping]"
    # A format's default mapping has nothing to take out.
    return f"write {field} = {_toml(_given(binding) | {'optional': True})} under [mapping]"


def _line(field: str, binding: Binding, lost: tuple[str, ...], likely: str) -> str:
    """Return the line of a supplier file in which the new column stands for the lost one."""
    key, _, name = field.partition(".")
    if binding.model_fields_set == {"column"}:
        value = _toml(likely)
    else:
        given = _given(binding)
        value = _toml({key: _replaced(item, lost, likely) for key, item in given.items()})
    if not name:
        return f"{key} = {value} under [mapping]"
    return f"{_toml_name(name)} = {value} into the params of [mapping]"


def _given(binding: Binding) -> dict[str, Any]:
    return {
        toml_key(name): getattr(binding, name)
        for name in Binding.model_fields
        if name in binding.model_fields_set
    }


def _replaced(value: Any, lost: tuple[str, ...], likely: str) -> Any:
    if isinstance(value, tuple):
        if value == lost:
            return (*value, likely)
        return tuple(likely if item in lost else item for item in value)
    return likely if isinstance(value, str) and value in lost else value


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        inner = ", ".join(f"{_toml_name(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _toml_name(name: str) -> str:
    is_bare = name.replace("-", "").replace("_", "").isalnum() and name.isascii()
    return name if is_bare else json.dumps(name, ensure_ascii=False)
