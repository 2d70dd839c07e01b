"""Whether and where to traces are exported: OpenTelemetry's standard environment.

What is not listed here (timeouts, batches, resource attributes, limits of spans, …) OpenTelemetry's
SDK reads itself, and so it does headers and files, which are only looked at here.
"""

from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import Settings

_DEFAULT: Final = "http://localhost:4317"
_Sampler = Literal[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = not url or (parts.scheme in {"http", "https"} and bool(parts.hostname))
        _ = parts.port
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("is no address of a collector, such as http://localhost:4317")
    return url


def _grpc(protocol: str) -> str:
    if protocol != "grpc":
        raise ValueError("must be grpc: traces are exported over gRPC only")
    return protocol


def _file(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise ValueError(f"{path} is no file")
    return path


_File = Annotated[Path | None, AfterValidator(_file)]
_Address = Annotated[str, AfterValidator(_address)]
_Protocol = Annotated[str, AfterValidator(_grpc)]


class TracingSettings(Settings):
    """Where a process's traces go, and which of them."""

    model_config = SettingsConfigDict(env_prefix="OTEL_", frozen=True, env_ignore_empty=True)

    exporter_otlp_endpoint: _Address = Field(
        default="",
        description=(
            "Where traces go: a collector that takes OTLP over gRPC, such as "
            "http://localhost:4317 (https:// with TLS); nowhere where none is given."
        ),
    )
    exporter_otlp_traces_endpoint: _Address = Field(
        default="", description="The same, for traces alone; it wins."
    )
    exporter_otlp_protocol: _Protocol = Field(default="grpc", description="No other is spoken.")
    exporter_otlp_traces_protocol: _Protocol = Field(
        default="grpc", description="No other is spoken."
    )
    exporter_otlp_headers: SecretStr = Field(
        default=SecretStr(""),
        description="What the collector wants with each call, such as authorization=Bearer%20….",
    )
    exporter_otlp_certificate: _File = Field(
        default=None,
        description=(
            "PEM file of the authorities of the collector's certificate; the system's where none "
            "is given."
        ),
    )
    exporter_otlp_client_certificate: _File = Field(
        default=None, description="PEM file of this process's certificate, for one that asks."
    )
    exporter_otlp_client_key: _File = Field(default=None, description="PEM file of its key.")
    traces_exporter: Literal["", "otlp", "none"] = Field(
        default="",
        description=f"none: no traces; otlp: also without an endpoint, to {_DEFAULT}.",
    )
    sdk_disabled: bool = Field(default=False, description="No traces, whatever else is set.")
    service_name: str = Field(
        default="",
        description=(
            "The service's name in traces; contextworker-gateway, contextworker-harvest, … "
            "where none is given."
        ),
    )
    traces_sampler: _Sampler = Field(
        default="parentbased_always_on",
        description=(
            "Which traces are kept: always_on, always_off or traceidratio; with parentbased_ "
            "before it, as the caller decided where it did."
        ),
    )
    traces_sampler_arg: float = Field(
        default=1.0, ge=0, le=1, description="The share of traces that traceidratio keeps."
    )

    @property
    def endpoint(self) -> str | None:
        """Where traces go; None for nowhere."""
        if self.sdk_disabled or self.traces_exporter == "none":
            return None
        given = self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint
        return given or (_DEFAULT if self.traces_exporter == "otlp" else None)
