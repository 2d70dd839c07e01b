"""The options that the gardener's commands share."""

from typing import Annotated, Literal

from cyclopts import Parameter

Reviewed = Literal["taxonomy", "ner", "params", "tech"]
Trained = Literal["taxonomy", "ner"]

Supplier = Annotated[
    str | None, Parameter(name="--supplier", help="Only this supplier's products.")
]
EITHER_TENANT = "Whose products; your token's one tenant, or `default`, when left out."
