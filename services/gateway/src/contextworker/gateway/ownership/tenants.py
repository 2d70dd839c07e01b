"""Whose a run is: the search attribute that every run of the gateway's carries."""

from temporalio.api.common.v1 import SearchAttributes
from temporalio.converter import decode_typed_search_attributes

from contextworker.core.tenancy import TENANT_ATTRIBUTE


def tenant_of(attributes: SearchAttributes) -> str | None:
    """Return whose something is; None where the gateway did not start it."""
    name = TENANT_ATTRIBUTE.name
    if name not in attributes.indexed_fields:
        return None
    # Alone: a run carries many more, and each takes time to decode.
    mark = SearchAttributes(indexed_fields={name: attributes.indexed_fields[name]})
    return decode_typed_search_attributes(mark).get(TENANT_ATTRIBUTE)
