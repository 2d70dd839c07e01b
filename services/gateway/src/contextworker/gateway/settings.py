"""What the gateway reads from its environment, besides Temporal's own variables."""

import ipaddress
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import RuntimeSettings

MAX_RUN_INPUT_BYTES = 2 * 1024 * 1024
"""What Temporal takes as one payload."""

MAX_REPLY_BYTES = 4 * 1024 * 1024
"""What a gRPC client takes as one message unless it was told otherwise."""


class GatewaySettings(RuntimeSettings):
    """The gateway's settings."""

    model_config = SettingsConfigDict(populate_by_name=True)

    port: int = Field(
        default=50052,
        ge=0,
        le=65535,
        validation_alias="WORKER_PORT",
        description="Where the gateway listens; 0 takes a free port and logs it.",
    )
    gateway_host: str = Field(
        default="127.0.0.1",
        description="Address to bind. Only loopback, unless CONTEXTWORKER_GATEWAY_INSECURE is set.",
    )
    gateway_insecure: bool = Field(
        default=False,
        description="Bind beyond loopback although callers are not authenticated.",
    )
    gateway_max_request_bytes: int = Field(
        default=4 * 1024 * 1024, ge=1024, description="Largest request message."
    )
    gateway_route_refresh_s: float = Field(
        default=10, gt=0, description="How often the routes are read again."
    )
    gateway_route_refresh_min_s: float = Field(
        default=0.5, gt=0, description="Least time between two reads, whatever callers ask for."
    )
    gateway_temporal_timeout_s: float = Field(
        default=5, gt=0, description="Longest wait for one answer of Temporal."
    )
    gateway_health_interval_s: float = Field(
        default=2, gt=0, description="How often the gateway asks whether Temporal answers."
    )
    gateway_shutdown_grace_s: float = Field(
        default=10, ge=0, description="How long running calls may finish after SIGTERM."
    )

    @model_validator(mode="after")
    def _only_loopback(self) -> Self:
        if self.is_exposed and not self.gateway_insecure:
            raise ValueError(
                f"the gateway does not authenticate its callers, so it binds to loopback only, "
                f"not to {self.gateway_host!r}; set CONTEXTWORKER_GATEWAY_HOST=127.0.0.1 and put "
                "a proxy that authenticates in front of it, or set "
                "CONTEXTWORKER_GATEWAY_INSECURE=true where the network keeps strangers out"
            )
        return self

    @property
    def is_exposed(self) -> bool:
        """Whether other machines, or other containers, may reach the gateway."""
        return not _is_loopback(self.gateway_host)

    @property
    def address(self) -> str:
        """`host:port` as gRPC takes it."""
        host = self.gateway_host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
