"""What columns read as, as far as that is sure, and the rest settled value by value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from contextworker.harvest.rows.problems import RowProblemError

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """Columns of products. Where `sure` is false, a value means nothing; None: all are sure."""

    columns: dict[str, pl.Series]
    sure: pl.Series | None = None

    @classmethod
    def of(cls, columns: dict[str, pl.Series], sure: pl.Series) -> "Read":
        """Return columns that are sure where this is true or null."""
        return cls(columns, None if sure.all() else sure.fill_null(value=True))


def settle(read: Read, inputs: pl.DataFrame, rule: Callable[[tuple[Any, ...]], Values]) -> Read:
    """Apply the rule to each different row of inputs of which nothing is sure.

    What it has a problem with stays unsure.
    """
    if read.sure is None:
        return read
    at = (~read.sure).arg_true()
    asked = inputs[at]
    different = asked.unique()
    answers: dict[str, list[Any]] = {name: [] for name in read.columns}
    is_good = []
    for row in different.iter_rows():
        try:
            values = rule(row)
            is_good.append(True)
        except RowProblemError:
            values = {}
            is_good.append(False)
        for name, found in answers.items():
            found.append(values.get(name))
    outputs = {f"={name}": found for name, found in answers.items()}
    schema = {f"={name}": column.dtype for name, column in read.columns.items()}
    answered = pl.DataFrame({**outputs, "ok": is_good}, schema={**schema, "ok": pl.Boolean})
    known = pl.concat([different, answered], how="horizontal")
    joined = asked.join(
        known, on=inputs.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    columns = {name: _put(column, at, joined[f"={name}"]) for name, column in read.columns.items()}
    return Read.of(columns, _put(read.sure, at, joined["ok"]))


def _put(column: pl.Series, at: pl.Series, values: pl.Series) -> pl.Series:
    return values if len(at) == len(column) else column.clone().scatter(at, values)
