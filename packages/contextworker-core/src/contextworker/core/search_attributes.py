"""What a run can be found by in Temporal: its tenant, its module, its supplier.

All are Keywords, of which a server may allow as few as ten. The gateway makes them where they are
missing, and gives them to what it starts.
"""

from collections.abc import Mapping
from typing import Final

from temporalio import workflow
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributes,
    TypedSearchAttributes,
)

from contextworker.core.attribute_names import MODULE, SUPPLIER
from contextworker.core.tenancy import TENANT_ATTRIBUTE

MODULE_ATTRIBUTE: Final = SearchAttributeKey.for_keyword(MODULE)
"""The name of the module that a run is one of."""

SUPPLIER_ATTRIBUTE: Final = SearchAttributeKey.for_keyword(SUPPLIER)
"""Whose products a run is about."""

RUN_ATTRIBUTES: Final = (TENANT_ATTRIBUTE, MODULE_ATTRIBUTE, SUPPLIER_ATTRIBUTE)
"""Every one that the gateway knows; children inherit them."""

MAX_CHARACTERS: Final = 255
"""What the visibility store keeps of a value where it is an SQL database."""

Keyword = SearchAttributeKey[str]


def inherited(
    given: SearchAttributes | TypedSearchAttributes | None,
) -> SearchAttributes | TypedSearchAttributes | None:
    """Add what the workflow in hand is found by to what it gives another, unless that says so.

    A run without any, such as one that no gateway started, hands on nothing.
    """
    own = _own()
    if not own:
        return given
    if given is None or isinstance(given, TypedSearchAttributes):
        pairs = [] if given is None else list(given)
        named = {pair.key.name for pair in pairs}
        more = [SearchAttributePair(key, own[key]) for key in own if key.name not in named]
        return TypedSearchAttributes([*pairs, *more])
    return {**{key.name: [value] for key, value in own.items()}, **given}


def found_by(values: Mapping[Keyword, str]) -> TypedSearchAttributes:
    """Say what a child is found by other than the workflow in hand is.

    Only by what that is found by itself: Temporal refuses the whole child where it does not know
    an attribute, and what a run carries it knows.
    """
    own = _own()
    return TypedSearchAttributes(
        [SearchAttributePair(key, value) for key, value in values.items() if key in own]
    )


def _own() -> dict[Keyword, str]:
    carried = workflow.info().typed_search_attributes
    return {key: value for key in RUN_ATTRIBUTES if (value := carried.get(key)) is not None}
