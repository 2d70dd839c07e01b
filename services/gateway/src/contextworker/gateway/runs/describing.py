"""What Temporal's UI says of a run before it has begun: one line, and where it comes from."""

from functools import lru_cache

from temporalio.api.sdk.v1 import UserMetadata
from temporalio.converter import DataConverter

from contextcore import ContextUnit
from contextworker.core.errors import ConfigurationError
from contextworker.core.scheduled import REGISTERED
from contextworker.core.summaries import SummaryTemplate, cut
from contextworker.gateway.routing.routes import RouteInfo
from contextworker.gateway.routing.values import text_of

_LABELS = 10
"""Of a unit's provenance, the latest."""

_LABEL_BYTES = 100
_DESCRIPTION_BYTES = 1000


def summary_of(route: RouteInfo, unit: ContextUnit) -> str:
    """Return a run's line: the route's own over the payload, else the route's description."""
    announced = route.announced.summary
    template = None if announced is None else _template(announced)
    if template is None:
        return cut(route.announced.description)
    values = {field: text_of(route, field, unit.payload) for field in template.fields}
    return template.fill({field: text for field, text in values.items() if text is not None})


def details_of(route: RouteInfo, unit: ContextUnit) -> str:
    """Return what more there is to say, as Markdown.

    A schedule's unit is none of its runs': each gets one of its own.
    """
    came = " → ".join(map(_code, unit.provenance[-_LABELS:]))
    lines = [
        cut(route.announced.description, _DESCRIPTION_BYTES),
        f"Asked for by {came}" if came else "",
    ]
    if unit.provenance[-1:] != [REGISTERED]:
        lines.append(f"Unit `{unit.unit_id}`, trace `{unit.trace_id}`")
    return "\n\n".join(line for line in lines if line)


async def metadata_of(converter: DataConverter, summary: str, details: str) -> UserMetadata:
    """Encode both as a start takes them; what is empty is left out."""
    encoded = iter(await converter.encode([text for text in (summary, details) if text]))
    return UserMetadata(
        summary=next(encoded) if summary else None, details=next(encoded) if details else None
    )


def _code(label: str) -> str:
    return f"`{cut(label.replace('`', ''), _LABEL_BYTES)}`"


@lru_cache(maxsize=1024)  # every start asks for its route's
def _template(announced: str) -> SummaryTemplate | None:
    try:
        return SummaryTemplate.parse(announced)
    except ConfigurationError:  # no run is held back for a line about it
        return None
