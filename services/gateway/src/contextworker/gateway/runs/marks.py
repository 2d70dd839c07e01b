"""What marks a run or a schedule in Temporal, so that it is found: its search attributes."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from temporalio.api.common.v1 import SearchAttributes
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.converter import encode_search_attributes

from contextworker.core.attribute_names import ROUTE_ATTRIBUTES
from contextworker.core.search_attributes import MAX_CHARACTERS, MODULE_ATTRIBUTE
from contextworker.core.tenancy import TENANT_ATTRIBUTE
from contextworker.gateway.routing.routes import RouteInfo
from contextworker.gateway.routing.values import text_of


def marks_of(route: RouteInfo, tenant_id: str, payload: Mapping[str, Any]) -> SearchAttributes:
    """Mark a run to be; the message is shared, to be copied into others."""
    named = (
        (name, text_of(route, field, payload))
        for name, field in route.announced.search_attributes.items()
        if name in ROUTE_ATTRIBUTES  # a newer worker may know more of them
    )
    return _marks(
        tenant_id,
        route.module.announcement.module,
        tuple((name, text[:MAX_CHARACTERS]) for name, text in named if text),
    )


@lru_cache(maxsize=1024)  # encoding costs as much as checking a payload and naming its run
def _marks(tenant_id: str, module: str, named: tuple[tuple[str, str], ...]) -> SearchAttributes:
    pairs = TypedSearchAttributes(
        [
            SearchAttributePair(TENANT_ATTRIBUTE, tenant_id),
            SearchAttributePair(MODULE_ATTRIBUTE, module),
            *(
                SearchAttributePair(SearchAttributeKey.for_keyword(name), text)
                for name, text in named
            ),
        ]
    )
    marks = SearchAttributes()
    encode_search_attributes(pairs, marks)
    return marks
