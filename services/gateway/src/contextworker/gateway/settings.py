"""What the gateway reads from its environment, besides Temporal's own variables."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from contextworker.core.loopback import is_loopback
from contextworker.core.settings import RuntimeSettings
from contextworker.core.tls import TlsFiles, check_files
from contextworker.gateway.identity.settings import JWKS, SECRET, AuthSettings

MAX_RUN_INPUT_BYTES = 2 * 1024 * 1024
"""What Temporal takes as one payload."""

MAX_ENVELOPE_BYTES = 256 * 1024
"""What a unit may hold besides its payload: each reply carries its request's envelope."""

MAX_REPLY_BYTES = 4 * 1024 * 1024
"""What a gRPC client takes as one message unless it was told otherwise."""


class GatewaySettings(AuthSettings, RuntimeSettings):
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
        description=(
            "Address to bind. Only loopback, unless callers are authenticated "
            "(CONTEXTWORKER_GATEWAY_AUTH_…) or CONTEXTWORKER_GATEWAY_INSECURE is set."
        ),
    )
    gateway_insecure: bool = Field(
        default=False,
        description="Bind beyond loopback although callers are not authenticated.",
    )
    gateway_tls_cert_file: Path | None = Field(
        default=None,
        description="PEM file of the gateway's certificate and its chain; serves TLS with it.",
    )
    gateway_tls_key_file: Path | None = Field(
        default=None, description="PEM file of the certificate's private key, without a password."
    )
    gateway_tls_client_ca_file: Path | None = Field(
        default=None,
        description="PEM file of authorities; only clients with a certificate of theirs connect.",
    )
    gateway_health_address: str = Field(
        default="",
        description=(
            "host:port of the health service besides, without TLS, for probes that cannot do TLS; "
            "empty for none."
        ),
    )
    gateway_max_request_bytes: int = Field(
        default=4 * 1024 * 1024, ge=1024, description="Largest request message."
    )
    gateway_rate_per_s: int = Field(
        default=0, ge=0, description="Calls a tenant may begin per second; 0 for any number."
    )
    gateway_max_concurrent_calls: int = Field(
        default=256,
        ge=0,
        description=(
            "Calls a tenant may have in hand, watches aside, and as many executions besides; 0 for "
            "any number."
        ),
    )
    gateway_max_watches: int = Field(
        default=256, ge=0, description="Runs a tenant may watch at once; 0 for any number."
    )
    gateway_max_executions: int = Field(
        default=10_000,
        ge=0,
        description=(
            "Executions of code a tenant may have open, as Temporal counts them, some moments "
            "late; 0 for any number."
        ),
    )
    gateway_execute_wait_s: float = Field(
        default=60,
        ge=0,
        le=3600,
        description="Longest wait of an ExecuteCode for its result, within the caller's deadline.",
    )
    gateway_max_connection_age_s: float = Field(
        default=600,
        gt=0,
        le=86_400,
        description="How long a client may keep one connection before it has to make another.",
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
    def _whole_tls(self) -> Self:
        check_files(
            {
                "CONTEXTWORKER_GATEWAY_TLS_CERT_FILE": self.gateway_tls_cert_file,
                "CONTEXTWORKER_GATEWAY_TLS_KEY_FILE": self.gateway_tls_key_file,
                "CONTEXTWORKER_GATEWAY_TLS_CLIENT_CA_FILE": self.gateway_tls_client_ca_file,
            }
        )
        return self

    @model_validator(mode="after")
    def _only_loopback(self) -> Self:
        if self.is_exposed and not self.is_authenticated and not self.gateway_insecure:
            raise ValueError(
                "the gateway does not authenticate its callers, so it binds to loopback only, "
                f"not to {self.gateway_host!r}: set {JWKS} or {SECRET} to let in callers with "
                "tokens; or, where the network keeps strangers out, start it with --insecure or "
                "CONTEXTWORKER_GATEWAY_INSECURE=true"
            )
        return self

    @property
    def tls_files(self) -> TlsFiles | None:
        """What to serve TLS with; None to serve without."""
        if self.gateway_tls_cert_file is None or self.gateway_tls_key_file is None:
            return None
        return TlsFiles(
            self.gateway_tls_cert_file, self.gateway_tls_key_file, self.gateway_tls_client_ca_file
        )

    @property
    def is_exposed(self) -> bool:
        """Whether other machines, or other containers, may reach the gateway."""
        return not is_loopback(self.gateway_host)

    @property
    def address(self) -> str:
        """`host:port` as gRPC takes it."""
        host = self.gateway_host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
