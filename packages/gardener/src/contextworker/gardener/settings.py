"""The gardener's settings, from the environment: prefix CONTEXTWORKER_GARDENER_."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import Settings


class GardenerSettings(Settings):
    """Where the gardener's configuration is, and how much of a tenant it looks at."""

    model_config = SettingsConfigDict(env_prefix="CONTEXTWORKER_GARDENER_", frozen=True)

    config: Path | None = Field(
        default=None,
        description="TOML file of tasks, enrichers and language models, for all tenants and for "
        "each; the packaged configuration when unset.",
    )
    known_brands: int = Field(
        default=20_000, ge=0, description="Of a tenant's brands, how many are looked for in names."
    )
    lease_s: float = Field(
        default=60,
        ge=10,
        le=3600,
        description="Seconds until the products of a run that was terminated are free for another.",
    )
