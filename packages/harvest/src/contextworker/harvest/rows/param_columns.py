"""A block's attributes as canonical JSON: written by the column where no value needs care."""

import json

import polars as pl

from contextworker.harvest.rows.params import ParamsReader
from contextworker.harvest.rows.read import Read, settle
from contextworker.harvest.rows.series import is_whole, nothing, texts
from contextworker.harvest.rows.taking_frames import take_column
from contextworker.harvest.rows.values import PARAM_LENGTH


def params_column(reader: ParamsReader, frame: pl.DataFrame) -> Read:
    """Read the attributes of a block.

    Raises:
        MixedTypesError: Only row by row can they be taken.
    """
    params = reader.params
    taken = {}
    if params.everything:
        taken = {name: frame[name] for name in reader.unused(frame.columns)}
    needs_rule = params.object is not None or bool(taken.keys() & params.named.keys())
    if not needs_rule:
        named = params.named.items()
        taken |= {name: take_column(item, frame, is_exact=True) for name, item in named}
        read = _written(taken, frame.height)
    else:
        read = Read({"params": nothing(frame.height)}, _false(frame.height))
    if read.sure is None:
        return read
    origins = [column for item in params.bindings for column in item.origins]
    names = [name for name in frame.columns if name in origins or params.everything]
    if not names:  # every row has the same: nothing, or what is the same for all
        return Read({"params": pl.Series([reader.read({})]).new_from_index(0, frame.height)})
    inputs = pl.DataFrame({str(at): frame[name] for at, name in enumerate(names)})
    return settle(
        read, inputs, lambda row: {"params": reader.read(dict(zip(names, row, strict=True)))}
    )


def _false(height: int) -> pl.Series:
    return pl.Series([False]).new_from_index(0, height)


def _written(taken: dict[str, pl.Series], height: int) -> Read:
    """Write `{"name":value,…}` without the blank ones."""
    parts: dict[str, pl.Series] = {}
    sure = None
    for name in sorted(taken):
        part, is_sure = _value(taken[name])
        if "\0" in name:
            is_sure = part.is_null()
        parts[str(len(parts))] = pl.Series([f"{json.dumps(name, ensure_ascii=False)}:"]) + part
        if not is_sure.all():
            is_sure = is_sure.fill_null(value=True)
            sure = is_sure if sure is None else sure & is_sure
    if not parts:
        return Read({"params": pl.Series(["{}"]).new_from_index(0, height)})
    members = pl.concat_str(list(parts), separator=",", ignore_nulls=True)
    written = pl.DataFrame(parts).select(
        pl.concat_str(pl.lit("{"), members, pl.lit("}")).alias("params")
    )
    return Read({"params": written["params"]}, sure)


def _value(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return values as JSON, and where that is sure."""
    if column.dtype == pl.Float64:
        sure = is_whole(column)
        whole = column.zip_with(sure, pl.Series([0.0])).cast(pl.Int64).cast(pl.String)
        return whole.zip_with(column.is_not_null(), nothing(1)), sure
    if column.dtype != pl.String:
        return column.cast(pl.String), column.is_null() | column.is_not_null()
    found = texts(column)
    is_odd = found.str.contains(r"[\x00-\x1f]") | (found.str.len_bytes() > PARAM_LENGTH)
    if found.str.contains(r'["\\]').any():
        found = found.str.replace_all("\\", "\\\\", literal=True)
        found = found.str.replace_all('"', '\\"', literal=True)
    return pl.Series(['"']) + found + '"', ~is_odd
