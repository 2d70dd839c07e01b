"""`[mapping]`: where each field of a product comes from, and which rows are wanted."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from contextworker.harvest.suppliers.binding import Binding, Bound, Column
from contextworker.harvest.suppliers.section import Section

PRICE_KEYS = frozenset({"divide_by", "convert_to", "rates", "digits"})

Pattern = Annotated[str, Field(min_length=1)]


class Selection(Section):
    """`[mapping.only]` and `[mapping.except]`: rows by category and brand; `*` is any text."""

    categories: tuple[Pattern, ...] = ()
    brands: tuple[Pattern, ...] = ()


class Params(Section):
    """Further attributes of a product. What is named here wins over what a JSON object holds."""

    named: dict[Column, Bound] = Field(default_factory=dict)
    object: Bound | None = None
    """A column that holds a JSON object of attributes."""
    everything: bool = False
    """Every column that nothing else is made of."""

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """Where attributes come from, the object first."""
        return (*([self.object] if self.object else []), *self.named.values())


class Mapping(Section):
    """Where each field of a product comes from."""

    sku: Bound | None = None
    name: Bound | None = None
    category: Bound | None = None
    category_separator: str | None = Field(default=None, min_length=1)
    brand_name: Bound | None = None
    description: Bound | None = None
    quantity: Bound | None = None
    price_retail: Bound | None = None
    currency: Bound | None = None
    availability: Bound | None = None
    url: Bound | None = None
    image_url: Bound | None = None
    status: Bound | None = None
    params: Params = Params()
    required: frozenset[
        Literal[
            "availability",
            "brand_name",
            "category",
            "currency",
            "description",
            "image_url",
            "price_retail",
            "quantity",
            "url",
        ]
    ] = frozenset()
    decimal: Literal[".", ","] | None = None
    only: Selection = Selection()
    without: Selection = Field(default=Selection(), alias="except")

    @field_validator("params", mode="before")
    @classmethod
    def _params(cls, given: Any) -> Any:
        """Read the short forms: "*", a column with a JSON object, a list, a table by name."""
        if given == "*":
            return {"everything": True}
        if isinstance(given, str):
            return {"object": given}
        if isinstance(given, list):
            return {"named": {str(column): column for column in given}}
        if isinstance(given, dict):
            named = {name: bound for name, bound in given.items() if name != "*"}
            return {"named": named} | ({"object": given["*"]} if "*" in given else {})
        if isinstance(given, Params):
            return given
        raise ValueError('write "*", a column with a JSON object, a list of columns, or a table')

    @model_validator(mode="after")
    def _steps_fit(self) -> "Mapping":
        """Refuse what no row could be mapped by."""
        if self.sku is not None and self.sku.value is not None:
            raise ValueError("sku is a column; with one value for all rows they were one product")
        for field, bound in {**self.bindings, **self.params.named}.items():
            misplaced = sorted(bound.model_fields_set & PRICE_KEYS)
            if misplaced and field != "price_retail":
                raise ValueError(f"{field} is no price; {misplaced[0]} is for price_retail only")
        if self.params.object is not None and self.params.object.is_text:
            raise ValueError("params: a JSON object is taken from its column as it is")
        return self

    @property
    def bindings(self) -> dict[str, Binding]:
        """Field to binding, for the fields that are mapped; without params."""
        return {
            name: bound
            for name in Mapping.model_fields
            if isinstance(bound := getattr(self, name), Binding)
        }

    @property
    def columns(self) -> frozenset[str]:
        """Every column that is named."""
        bound = (*self.bindings.values(), *self.params.bindings)
        return frozenset(column for item in bound for column in (*item.origins, *item.further))

    def problems(self) -> list[str]:
        """Say what is missing for every row to become a product."""
        missing = [
            f"mapping.{field} is missing; name the column that has it"
            for field in ("sku", "name")
            if getattr(self, field) is None
        ]
        return missing + [
            f"mapping: {field} is required but mapped to no column"
            for field in sorted(self.required)
            if getattr(self, field) is None and field != "currency"
        ]
