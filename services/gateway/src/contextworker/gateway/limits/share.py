"""Whose part of a gateway a call uses."""

from dataclasses import dataclass
from enum import StrEnum


class Owner(StrEnum):
    """Who has a share; the value is how an error's metadata names it."""

    TENANT = "tenant_id"
    CALLER = "subject"


@dataclass(frozen=True, slots=True)
class Share:
    """A tenant's part of what a gateway can do; a caller's own where no tenant is named."""

    owner: Owner
    name: str

    def __str__(self) -> str:
        return f"the {self.owner.name.lower()} {self.name!r}"
