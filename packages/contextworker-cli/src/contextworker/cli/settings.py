"""Settings of the command line, from the environment."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_PORT = 50052


class CliSettings(BaseSettings):
    """Where things are."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    address: str = Field(
        default="",
        validation_alias=AliasChoices("WORKER_ADDRESS"),
        description="host:port of the gateway; else the running stack's, else 127.0.0.1:50052.",
    )
    brain_url: str = Field(
        default="",
        validation_alias=AliasChoices("BRAIN_URL"),
        description="The Brain that `contextworker brain` reads; else the running stack's.",
    )
    suppliers_dir: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("CONTEXTWORKER_SUPPLIERS_DIR"),
        description="Supplier files; else `examples/suppliers` here or in a folder above.",
    )
    state_dir: Path = Field(
        default=Path(".contextworker"),
        validation_alias=AliasChoices("CONTEXTWORKER_STATE_DIR"),
        description="Where the local stack keeps its state.",
    )
    shutdown_grace_s: float = Field(
        default=5,
        ge=0,
        validation_alias=AliasChoices("CONTEXTWORKER_SHUTDOWN_GRACE_S"),
        description="How long activities of the local stack may finish when it stops.",
    )
