"""Where the Brain is, from the environment: prefix BRAIN_."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import Settings


class BrainSettings(Settings):
    """What a process needs to open the Brain."""

    # A URL may hold a password, so neither repr nor a validation error may show it.
    model_config = SettingsConfigDict(env_prefix="BRAIN_", frozen=True, hide_input_in_errors=True)

    url: SecretStr = Field(
        default=SecretStr("sqlite:///.contextworker/brain.db"),
        description="sqlite:///relative.db, sqlite:////absolute.db or postgresql://….",
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
