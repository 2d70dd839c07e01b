"""The contract of an enricher: products in, one result per product out, in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from contextworker.gardener.enrichers.base import ProductText, TaskResult

ENTRY_POINT_GROUP: Final = "contextworker.enrichers"
"""Where packages offer enrichers: a name, and an `EnricherFactory`."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A product, and what the tasks before this one found out about it."""

    text: ProductText
    results: Mapping[str, TaskResult] = field(default_factory=dict)


class Enricher(Protocol):
    """Works out one thing about products.

    Pure and deterministic: the same product gives the same result, whatever else is in the batch,
    so that a batch taken again is the same batch. Nothing is read from outside after construction.
    """

    @property
    def source(self) -> str:
        """Who answers, such as `names` or `classifier@3f2a9c`: another one, other answers."""

    @property
    def reads(self) -> frozenset[str]:
        """What answers depend on: fields of ProductText, and names of tasks before this one.

        A product that changed in none of these keeps its answer. `params` is the field; the task
        of that name is `task:params`.
        """

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Return one result per product, in their order."""


@dataclass(frozen=True, slots=True)
class EnricherContext:
    """What an enricher is made from."""

    tenant_id: str
    task: str
    options: Mapping[str, Any]
    """The task's table in the tenant's configuration, paths in it made absolute."""
    brands: tuple[str, ...] = ()
    """Brands the tenant's catalogue knows, the most frequent first."""
    model: bytes | None = None
    """The current trained model of the task, where there is one."""
    after: tuple[str, ...] = ()
    """Enrichers of the task that are asked before this one, by the names they are configured by."""


class EnricherFactory(Protocol):
    """Makes an enricher for a tenant; what an entry point names."""

    def __call__(self, context: EnricherContext) -> Enricher | None:
        """Return it, or None where it has nothing to go by yet, such as a trained model.

        Raises:
            ConfigurationError: An option is unknown or wrong; says which.
        """
