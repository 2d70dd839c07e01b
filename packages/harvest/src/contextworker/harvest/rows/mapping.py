"""Rows become products, or rejects with a reason."""

from typing import Any

from pydantic import ValidationError

from contextworker.brain import ProductRecord, RejectRecord
from contextworker.harvest.feeds.blocks import BadRow, RawRow, Row
from contextworker.harvest.rows import values
from contextworker.harvest.rows.values import RowProblemError
from contextworker.harvest.suppliers import Binding, Constant, Supplier

_SOURCE_LENGTH = 1024
_LONGEST = {
    "sku": 256,
    "name": 1000,
    "brand_name": 256,
    "category": 2000,
    "description": 100_000,
    "url": 2048,
    "image_url": 2048,
    "status": 64,
    "currency": 32,
}


class RowMapper:
    """Maps the rows of one source as its supplier's file says."""

    def __init__(self, supplier: Supplier, *, source: str) -> None:
        self._supplier = supplier
        self._mapping = supplier.mapping
        self._bindings = supplier.mapping.bindings
        self._params = supplier.mapping.params
        self._required = sorted(supplier.mapping.required)
        self._source = source[:_SOURCE_LENGTH]

    def map(self, row: Row) -> ProductRecord | RejectRecord:
        """Return the row's product, or the reject that says why it is none."""
        if isinstance(row, BadRow):
            return self._reject(row.number, row.code, row.reason, row.raw)
        try:
            return self._product(row)
        except RowProblemError as problem:
            return self._reject(row.number, problem.code, problem.reason, row.values)
        except ValidationError as error:
            detail = error.errors()[0]
            field = ".".join(str(part) for part in detail["loc"])
            reason = f"{field} cannot be stored: {detail['msg']}"
            return self._reject(row.number, "invalid_value", reason, row.values)

    def _product(self, row: RawRow) -> ProductRecord:
        sku, name = self._text(row, "sku"), self._text(row, "name")
        if sku is None:
            raise RowProblemError("missing_sku", f"the column {self._mapping.sku!r} is empty")
        if name is None:
            raise RowProblemError("missing_name", f"the column {self._mapping.name!r} is empty")
        expected = values.currency_code(self._text(row, "currency")) or self._supplier.currency
        mark = self._mapping.decimal
        price, currency = values.price(
            self._value(row, "price_retail"), mark=mark, currency=expected
        )
        fields: dict[str, Any] = {
            "brand_name": self._text(row, "brand_name"),
            "category": values.category(
                self._value(row, "category"),
                separator=self._mapping.category_separator,
                longest=_LONGEST["category"],
            ),
            "description": self._text(row, "description"),
            "quantity": values.quantity(self._value(row, "quantity"), mark),
            "price_retail": price,
            "currency": currency,
            "url": self._text(row, "url"),
            "image_url": self._text(row, "image_url"),
        }
        for field in self._required:
            if fields[field] is None:
                raise RowProblemError(f"missing_{field}", f"the {field} is missing")
        return ProductRecord(
            sku=sku,
            name=name,
            dealer_code=self._supplier.code,
            dealer_name=self._supplier.name,
            params=self._attributes(row),
            status=self._text(row, "status") or "active",
            **fields,
        )

    def _attributes(self, row: RawRow) -> dict[str, Any]:
        attributes = {
            name: values.param(row.values.get(column)) for name, column in self._params.items()
        }
        return {name: value for name, value in attributes.items() if value is not None}

    def _value(self, row: RawRow, field: str) -> Any:
        binding: Binding | None = self._bindings.get(field)
        if binding is None:
            return None
        return binding.value if isinstance(binding, Constant) else row.values.get(binding)

    def _text(self, row: RawRow, field: str) -> str | None:
        return values.text(self._value(row, field), field=field, longest=_LONGEST[field])

    def _reject(self, number: int, code: str, reason: str, raw: dict[str, Any]) -> RejectRecord:
        return RejectRecord(
            source=self._source,
            row_number=number,
            reason_code=code,
            reason=values.short_reason(reason),
            raw=values.bounded(raw),
        )
