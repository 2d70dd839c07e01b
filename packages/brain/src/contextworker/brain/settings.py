"""Where the Brain is, from the environment: prefix BRAIN_."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import Settings


class BrainSettings(Settings):
    """What a process needs to open the Brain."""

    # A URL may hold a password, so neither repr nor a validation error may show it.
    model_config = SettingsConfigDict(env_prefix="BRAIN_", frozen=True, hide_input_in_errors=True)

    url: SecretStr = Field(
        default=SecretStr("sqlite:///.contextworker/brain.db"),
        description=(
            "sqlite:///relative.db, sqlite:////absolute.db, postgresql://…, or grpc://host:port "
            "(grpcs:// with TLS) of a CommerceService."
        ),
    )
    ledger_url: SecretStr = Field(
        default=SecretStr("sqlite:///.contextworker/ledger.db"),
        description=(
            "With a CommerceService: where everything else is kept that a Brain knows, SQLite or "
            "PostgreSQL. Workers of one service share it."
        ),
    )
    migrate: bool = Field(
        default=True,
        description="Bring the schema to head on opening; off where a deployment step does it.",
    )
    pool_size: int = Field(default=5, ge=1, description="Connections kept per process.")
    statement_timeout_s: float = Field(
        default=60,
        gt=0,
        description="Longest statement (PostgreSQL), longest wait for other writers (SQLite).",
    )
    call_timeout_s: float = Field(
        default=10, gt=0, description="Deadline of each call of a CommerceService."
    )
    concurrent_calls: int = Field(
        default=16, ge=1, description="Calls of a CommerceService at once, per process."
    )
    token: SecretStr | None = Field(
        default=None,
        description="Bearer token for a CommerceService; sent over TLS, or to this machine, only.",
    )
    tls_ca_file: Path | None = Field(
        default=None,
        description=(
            "With grpcs://: PEM file of the authorities of the service's certificate; the "
            "system's where none is given."
        ),
    )
    tls_cert_file: Path | None = Field(
        default=None,
        description="PEM file of this worker's certificate, for a service that asks for one.",
    )
    tls_key_file: Path | None = Field(default=None, description="PEM file of its key.")

    @property
    def is_service(self) -> bool:
        """Whether the Brain is behind a CommerceService."""
        return is_service(self.url.get_secret_value())


def is_service(url: str) -> bool:
    """Tell whether a URL names a CommerceService."""
    return url.startswith(("grpc://", "grpcs://"))
