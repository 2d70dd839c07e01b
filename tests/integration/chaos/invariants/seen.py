"""What there is to see from outside: in Temporal, in the Brain, on disk and among processes."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Run:
    """One run in Temporal's list."""

    workflow_id: str
    run_id: str
    workflow_type: str
    status: str
    failure: str = ""
    """Its error's type, where it failed."""


@dataclass(frozen=True)
class StoredProduct:
    """A product's row."""

    tenant_id: str
    dealer_code: str
    sku: str
    name: str
    brand: str | None
    category: str | None
    stock: int | None
    is_listed: bool
    enrichment_status: str
    price: Decimal | None
    tasks: Collection[str] = ()


@dataclass
class Seen:
    """One look at everything, taken when nothing should be going on."""

    runs: list[Run] = field(default_factory=list)
    resent: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By unit id: the run that was acknowledged, and the one told when the unit came again."""

    products: list[StoredProduct] = field(default_factory=list)
    history: Counter[tuple[str, str, str, str, str, str]] = field(default_factory=Counter)
    """tenant, supplier, sku, field, old, new."""

    rejects: dict[str, Counter[str]] = field(default_factory=dict)
    """By the run's id: how many of each reason."""

    brain_runs: dict[str, str] = field(default_factory=dict)
    """A harvest's id in the Brain, and its status there."""

    claims: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    """Those that belong to none that should run."""

    objects: list[str] = field(default_factory=list)
    temporary_files: list[str] = field(default_factory=list)
    connections: Counter[str] = field(default_factory=Counter)
    """To PostgreSQL, by state."""

    advisory_locks: int = 0
    gateway: Any = None
    """The names of the modules it routes to."""
