"""What callers were told: what the system is held to."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from contextcore import ContextUnit


@dataclass(frozen=True)
class Acknowledged:
    """A start that the gateway has replied to."""

    unit: ContextUnit
    workflow_id: str
    run_id: str


@dataclass(frozen=True)
class Harvested:
    """A harvest whose result was told, and what the feed was then."""

    supplier: str
    report: dict[str, Any]
    rows: int
    rejected: Counter[str]
    """By reason, as the feed has them."""


@dataclass(frozen=True)
class Failed:
    """A run that failed, with the words and the type that callers got."""

    workflow_id: str
    type: str
    message: str


@dataclass(frozen=True)
class Gardened:
    """What the runs of one tenant's gardener came to, while nothing was harvested."""

    tenant_id: str
    pending: int
    counted: int


@dataclass
class Ledger:
    """Everything that callers were told so far."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    started_by_programs: set[str] = field(default_factory=set)
    """Run ids that programs told of."""

    harvested: list[Harvested] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    gardened: list[Gardened] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Answers that no fault explains, as sentences."""

    again: int = 0
    """How often a caller had to make a call again, beyond what its client does."""
