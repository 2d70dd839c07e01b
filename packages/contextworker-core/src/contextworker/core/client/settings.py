"""What a client reads from the environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from contextworker.core.client.endpoint import DEFAULT_ADDRESS, TLS
from contextworker.core.settings import Settings


class ClientSettings(Settings):
    """Where a gateway is, and how to be let in."""

    model_config = SettingsConfigDict(env_prefix="WORKER_", frozen=True, env_ignore_empty=True)

    address: str = Field(
        default=DEFAULT_ADDRESS,
        description="host:port of the gateway; `contextworker` looks for a running stack first.",
    )
    token: SecretStr | None = Field(
        default=None,
        description="Bearer token for the gateway; sent over TLS, or to this machine, only.",
    )
    tls: bool = Field(
        default=False,
        description="Connect with TLS, by the system's authorities; any of the files implies it.",
    )
    tls_ca_file: Path | None = Field(
        default=None,
        description="PEM file of the authorities of the gateway's certificate.",
    )
    tls_cert_file: Path | None = Field(
        default=None,
        description="PEM file of the client's certificate, for a gateway that asks for one.",
    )
    tls_key_file: Path | None = Field(default=None, description="PEM file of its key.")

    insecure: bool = Field(
        default=False,
        description="Send the token without TLS to another machine; for a trusted network only.",
    )

    @property
    def security(self) -> TLS | bool:
        """How to secure the connection."""
        files = {
            "ca_file": self.tls_ca_file,
            "cert_file": self.tls_cert_file,
            "key_file": self.tls_key_file,
        }
        return TLS(**files) if any(files.values()) else self.tls

    @property
    def bearer(self) -> str | None:
        """The token itself."""
        return self.token.get_secret_value() if self.token else None
