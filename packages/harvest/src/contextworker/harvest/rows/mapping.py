"""Rows become products, or rejects with a reason: the specification of `frames.FrameMapper`."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from contextworker.brain import ProductRecord, RejectRecord
from contextworker.harvest.feeds.blocks import BadRow, RawRow, Row
from contextworker.harvest.rows.fields import Field, fields_of
from contextworker.harvest.rows.params import ParamsReader
from contextworker.harvest.rows.patterns import pattern
from contextworker.harvest.rows.prices import NO_PRICE, Price
from contextworker.harvest.rows.problems import RowProblemError
from contextworker.harvest.rows.raw import keep, restore, short_reason
from contextworker.harvest.rows.selecting import Selector
from contextworker.harvest.rows.taking import regex_input, take
from contextworker.harvest.rows.values import availability
from contextworker.harvest.rows.words import Words
from contextworker.harvest.suppliers import Binding, Mapping, Supplier

SOURCE_LENGTH = 1024
# What the lists look at is read first: a row that is not wanted is no reject.
_FIRST = ("category", "brand_name")


class FilteredRow:
    """A row that the mapping's lists leave out."""


FILTERED = FilteredRow()


class RowMapper:
    """Maps the rows of one source, one by one."""

    def __init__(
        self,
        supplier: Supplier,
        *,
        source: str,
        mapping: Mapping | None = None,
        words: Words | None = None,
    ) -> None:
        self._supplier = supplier
        self._mapping = mapping or supplier.mapping
        fields = fields_of(self._mapping, supplier)
        self._fields = tuple(sorted(fields, key=lambda field: field.name not in _FIRST))
        self._params = ParamsReader(self._mapping)
        self._selector = Selector(self._mapping)
        self._source = source[:SOURCE_LENGTH]
        self._regexes = [
            (binding, pattern(binding.regex, binding.captured))
            for binding in (*self._mapping.bindings.values(), *self._mapping.params.bindings)
            if binding.regex is not None
        ]
        self._words = words or Words()

    def map(self, row: Row) -> ProductRecord | RejectRecord | FilteredRow:
        """Return the row's product, the reject that says why it is none, or that it is left out."""
        if isinstance(row, BadRow):
            return self._reject(row, row.code, row.reason, row.raw)
        try:
            return self._product(restore(row.values))
        except RowProblemError as problem:
            return self._reject(row, problem.code, problem.reason, row.values)
        except ValidationError as error:
            detail = error.errors()[0]
            field = ".".join(str(part) for part in detail["loc"])
            reason = f"{field} cannot be stored: {detail['msg']}"
            return self._reject(row, "invalid_value", reason, row.values)

    def sku(self, row: Row) -> str | None:
        """Return a row's sku, where it can be read whatever else is wrong with the row."""
        binding = self._mapping.sku
        if binding is None:
            return None
        field = next(field for field in self._fields if field.name == "sku")
        try:
            values = restore(row.values if isinstance(row, RawRow) else row.raw)
            found = field.read(take(binding, values, field="sku"))
        except RowProblemError:
            return None
        return found if isinstance(found, str) else None

    def learn(self, rows: Sequence[Row]) -> None:
        """Match the regexes of many rows at once, because one by one is slow."""
        for binding, regex in self._regexes:
            regex.learn(
                text
                for row in rows
                if isinstance(row, RawRow) and (text := _text(binding, row)) is not None
            )

    def _product(self, row: dict[str, Any]) -> ProductRecord | FilteredRow:
        found: dict[str, Any] = {}
        selected = not self._selector.selects
        for field in self._fields:
            if not selected and field.name not in _FIRST:
                if not self._selector.wants(found.get("category"), found.get("brand_name")):
                    return FILTERED
                selected = True
            found[field.name] = self._read(field, row)
        price: Price = found.pop("price_retail", NO_PRICE)
        found |= {"price_retail": price.amount, "currency": price.currency}
        word = found.pop("availability", None)
        found["availability"] = None if word is None else availability(word)
        self._check_required(found)
        product = ProductRecord(
            dealer_code=self._supplier.code,
            dealer_name=self._supplier.name,
            params=json.loads(self._params.read(row)),
            status=found.pop("status", None) or "active",
            **found,
        )
        if word is not None and product.availability is None:
            self._words.note([word])
        return product

    def _read(self, field: Field, row: dict[str, Any]) -> Any:
        return field.read(*(take(item, row, field=field.name) for item in field.inputs))

    def _check_required(self, found: dict[str, Any]) -> None:
        for field in ("sku", "name"):
            if found.get(field) is None:
                binding: Binding | None = getattr(self._mapping, field)
                columns = binding.origins if binding else ()
                names = ", ".join(map(repr, columns))
                said = f"the column {names} is" if len(columns) == 1 else f"the columns {names} are"
                raise RowProblemError(f"missing_{field}", f"{said} empty")
        for field in sorted(self._mapping.required):
            if found.get(field) is None:
                raise RowProblemError(f"missing_{field}", f"the {field} is missing")

    def _reject(self, row: Row, code: str, reason: str, raw: dict[str, Any]) -> RejectRecord:
        return RejectRecord(
            source=self._source,
            row_number=row.number,
            reason_code=code,
            reason=short_reason(reason),
            raw=keep(raw),
        )


def _text(binding: Binding, row: RawRow) -> str | None:
    try:
        return regex_input(binding, restore(row.values), field="")
    except RowProblemError:
        return None
