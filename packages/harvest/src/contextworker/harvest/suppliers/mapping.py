"""`[mapping]`: which column each field of a product comes from."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from contextworker.harvest.suppliers.section import Section


class Constant(Section):
    """A value that every row gets: `{ value = "Nordlys" }`."""

    value: str | int | float


Binding = str | Constant


class Mapping(Section):
    """Which column each field of a product comes from."""

    sku: str = Field(min_length=1)
    name: str = Field(min_length=1)
    category: Binding | None = None
    category_separator: str | None = Field(default=None, min_length=1)
    brand_name: Binding | None = None
    description: Binding | None = None
    quantity: Binding | None = None
    price_retail: Binding | None = None
    currency: Binding | None = None
    url: Binding | None = None
    image_url: Binding | None = None
    status: Binding | None = None
    params: dict[str, str] = Field(default_factory=dict)
    required: frozenset[
        Literal[
            "brand_name", "category", "currency", "description", "price_retail", "quantity", "url"
        ]
    ] = frozenset()
    decimal: Literal[".", ","] | None = None

    @field_validator("params", mode="before")
    @classmethod
    def _params_by_name(cls, params: Any) -> Any:
        """Read a list of columns as a table in which each keeps its name."""
        if isinstance(params, list):
            return {str(column): column for column in params}
        return params

    @model_validator(mode="after")
    def _required_is_mapped(self) -> Self:
        """Refuse a mapping that would reject every row."""
        for field in sorted(self.required):
            if getattr(self, field) is None and field != "currency":
                raise ValueError(f"{field} is required but mapped to no column")
        return self

    @property
    def bindings(self) -> dict[str, Binding]:
        """Field to column or constant, for the fields that are mapped; without params."""
        fields = Mapping.model_fields.keys() - {
            "params",
            "required",
            "decimal",
            "category_separator",
        }
        return {field: bound for field in fields if (bound := getattr(self, field)) is not None}

    @property
    def columns(self) -> frozenset[str]:
        """Every column the feed must have."""
        bound = (item for item in self.bindings.values() if isinstance(item, str))
        return frozenset(bound) | frozenset(self.params.values())
