"""How Temporal knows whose a run is."""

from temporalio import workflow
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributes,
    TypedSearchAttributes,
)

TENANT_ATTRIBUTE = SearchAttributeKey.for_keyword("TenantId")
"""The search attribute with the tenant of a run or schedule; children inherit it."""


def inherited(
    given: SearchAttributes | TypedSearchAttributes | None,
) -> SearchAttributes | TypedSearchAttributes | None:
    """Add the tenant of the workflow in hand to what it gives another, unless it names one itself.

    A run without a tenant, such as one of the time before runs had any, hands on nothing.
    """
    tenant_id = workflow.info().typed_search_attributes.get(TENANT_ATTRIBUTE)
    if tenant_id is None:
        return given
    if given is None or isinstance(given, TypedSearchAttributes):
        pairs = [] if given is None else list(given)
        if any(pair.key.name == TENANT_ATTRIBUTE.name for pair in pairs):
            return given
        return TypedSearchAttributes([*pairs, SearchAttributePair(TENANT_ATTRIBUTE, tenant_id)])
    return {TENANT_ATTRIBUTE.name: [tenant_id], **given}
