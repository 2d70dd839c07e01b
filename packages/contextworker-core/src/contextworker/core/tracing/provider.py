"""OpenTelemetry's SDK, put together; needs the extra `otlp`."""

from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from contextworker.core.errors import ConfigurationError
from contextworker.core.tracing.holding import Holding
from contextworker.core.tracing.reporting import Reporting
from contextworker.core.tracing.sampling import sampler
from contextworker.core.tracing.settings import TracingSettings


def make_provider(
    settings: TracingSettings, *, service: str, version: str
) -> tuple[TracerProvider, Reporting]:
    """Return a provider whose spans are exported in batches, and the exporter.

    Raises:
        ConfigurationError: OpenTelemetry's SDK refuses what it reads of the environment.
    """
    assert settings.endpoint is not None
    attributes = {SERVICE_NAME: settings.service_name or service}
    if version:
        attributes[SERVICE_VERSION] = version
    try:
        exporter = Reporting(settings.endpoint)
        batches = BatchSpanProcessor(exporter)
        provider = TracerProvider(
            sampler=sampler(settings),
            # What OTEL_RESOURCE_ATTRIBUTES says comes with `create`.
            resource=Resource.create(attributes),
            shutdown_on_exit=False,
        )
    except Exception as error:  # the SDK has a class of its own for each variable
        raise ConfigurationError(
            f"OpenTelemetry cannot use one of its variables (OTEL_…): {error}"
        ) from error
    provider.add_span_processor(Holding(batches))
    return provider, exporter
