"""What can be wrong with a ContextUnit.

ValueError
└── UnitError    it cannot travel, or what arrived is none; says which fields and why
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One problem with one field, named by its path (`payload.items[3].price`)."""

    field: str
    description: str


class UnitError(ValueError):
    """A unit that cannot travel exactly, or a message that is no unit."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{item.field}: {item.description}" for item in violations))

    def __reduce__(self) -> tuple[type["UnitError"], tuple[tuple[Violation, ...]]]:
        """Rebuild from the violations, so that the error survives pickling."""
        return type(self), (self.violations,)
