"""Which traces are kept."""

from typing import Any, Final

from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
)

from contextworker.core.tracing.settings import TracingSettings

_PARENT_BASED: Final = "parentbased_"
_RANDOM_BITS: Final = 56


class RatioSampler(Sampler):
    """Keeps a share of all traces: every process the same ones, as it goes by the trace's id.

    It goes by the last 56 bits, which are random in every UUIDv4, as W3C asks. OpenTelemetry's own
    takes 64, of which a UUIDv4 has the first two fixed: it would keep nothing up to a half, and
    everything from three quarters on.
    """

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._bound = round(ratio * 2**_RANDOM_BITS)

    def should_sample(  # noqa: PLR0917 - the SDK's
        self,
        parent_context: Any,  # noqa: ARG002 - the SDK's
        trace_id: int,
        name: str,  # noqa: ARG002 - the SDK's
        kind: Any = None,  # noqa: ARG002 - the SDK's
        attributes: Any = None,
        links: Any = None,  # noqa: ARG002 - the SDK's
        trace_state: Any = None,  # noqa: ARG002 - the SDK's
    ) -> SamplingResult:
        """Decide by the id alone."""
        if trace_id % 2**_RANDOM_BITS < self._bound:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return SamplingResult(Decision.DROP)

    def get_description(self) -> str:
        """Name it."""
        return f"RatioSampler{{{self._ratio}}}"


def sampler(settings: TracingSettings) -> Sampler:
    """Return the sampler that the settings name."""
    name = settings.traces_sampler
    root: Sampler
    match name.removeprefix(_PARENT_BASED):
        case "always_on":
            root = ALWAYS_ON
        case "always_off":
            root = ALWAYS_OFF
        case _:
            root = RatioSampler(settings.traces_sampler_arg)
    return ParentBased(root) if name.startswith(_PARENT_BASED) else root
