"""A product's further attributes: named columns, a JSON object, or whatever is left."""

from collections.abc import Iterable, Mapping
from typing import Any

from contextworker.harvest.rows import values
from contextworker.harvest.rows.taking import take
from contextworker.harvest.suppliers import Mapping as SupplierMapping


class ParamsReader:
    """Reads the attributes of a row."""

    def __init__(self, mapping: SupplierMapping) -> None:
        self.params = mapping.params
        self._used = mapping.columns

    def unused(self, columns: Iterable[str]) -> list[str]:
        """Return the columns that are attributes because nothing else is made of them."""
        return [name for name in columns if name not in self._used]

    def read(self, row: Mapping[str, Any]) -> str:
        """Return the attributes of a row as canonical JSON.

        Raises:
            RowProblemError: One of them cannot be stored.
        """
        taken: dict[str, Any] = {}
        if self.params.everything:
            taken.update((name, row[name]) for name in self.unused(row))
        if self.params.object is not None:
            field = self.params.object.origins[0]
            taken.update(
                values.json_object(take(self.params.object, row, field="params"), field=field)
            )
        for name, binding in self.params.named.items():
            found = take(binding, row, field=name)
            if values.param(found) is not None:
                taken[name] = found
        return values.attributes(taken)
