"""How Temporal knows whose a run is."""

from temporalio.common import SearchAttributeKey

TENANT_ATTRIBUTE = SearchAttributeKey.for_keyword("TenantId")
"""The search attribute with the tenant of a run or schedule; children inherit it."""
