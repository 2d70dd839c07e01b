"""The enrichers that are installed: ours and third parties', found by entry point."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from contextworker.core.errors import ConfigurationError
from contextworker.gardener.enrichers.protocol import (
    ENTRY_POINT_GROUP,
    Enricher,
    EnricherContext,
    EnricherFactory,
)

OURS = "contextworker-gardener"
"""The distribution whose enrichers need not be looked at twice."""


def installed() -> Mapping[str, EntryPoint]:
    """Return what is installed by name, in the names' order.

    Raises:
        ConfigurationError: Two distributions offer the same name; names both.
    """
    found: dict[str, EntryPoint] = {}
    for point in sorted(
        entry_points(group=ENTRY_POINT_GROUP), key=lambda one: (one.name, owner(one))
    ):
        other = found.setdefault(point.name, point)
        if owner(other) != owner(point):
            raise ConfigurationError(
                f"the enricher {point.name!r} is offered twice, by {owner(other)} and by "
                f"{owner(point)}; uninstall one of the two"
            )
    return found


def known() -> str:
    """Return the names of what is installed, for messages."""
    return ", ".join(installed()) or "none"


def owner(point: EntryPoint) -> str:
    """Return the distribution that offers it."""
    return point.dist.name if point.dist else "an unknown distribution"


def load_factory(point: EntryPoint) -> EnricherFactory:
    """Import what makes the enricher.

    Raises:
        ConfigurationError: It cannot be imported, or cannot be called; names the distribution.
    """
    factory = _imported(point)
    if not callable(factory):
        raise ConfigurationError(
            f"{owner(point)} announces {point.value!r} as the enricher {point.name!r}, but it is "
            f"a {type(factory).__name__}, not a factory that can be called"
        )
    return cast("EnricherFactory", factory)


def make_enricher(point: EntryPoint, context: EnricherContext) -> Enricher | None:
    """Make an enricher, or return None where it has nothing to go by yet.

    Raises:
        ConfigurationError: An option is wrong, or what makes it fails or makes no enricher; names
            the distribution.
    """
    whose = f"the enricher {point.name!r} of {owner(point)}"
    try:
        enricher = load_factory(point)(context)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"{whose} cannot be made: {type(error).__name__}: {error}"
        ) from error
    if enricher is None:
        return None
    if not isinstance(getattr(enricher, "source", None), str):
        raise ConfigurationError(f"{whose} has no `source`: text that says who answers")
    if not isinstance(getattr(enricher, "reads", None), frozenset):
        raise ConfigurationError(
            f"{whose} has no `reads`: a frozenset of names of what it looks at"
        )
    if not callable(getattr(enricher, "enrich", None)):
        raise ConfigurationError(f"{whose} has no `enrich`: a method that answers products")
    return enricher


@cache
def _imported(point: EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:
        raise ConfigurationError(
            f"the enricher {point.name!r} of {owner(point)} cannot be imported from "
            f"{point.value!r}: {error}"
        ) from error
