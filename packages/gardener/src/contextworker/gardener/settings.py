"""The gardener's settings, from the environment: prefix CONTEXTWORKER_GARDENER_."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import Settings


class GardenerSettings(Settings):
    """How the gardener judges; results below a threshold go to review."""

    model_config = SettingsConfigDict(env_prefix="CONTEXTWORKER_GARDENER_", frozen=True)

    taxonomy: Path | None = Field(
        default=None, description="TOML file of categories; the packaged one when unset."
    )
    taxonomy_threshold: float = Field(
        default=0.75, ge=0, le=1, description="Confidence from which a category is done."
    )
    brand_threshold: float = Field(
        default=0.85, ge=0, le=1, description="Confidence from which a brand is done."
    )
    attributes_threshold: float = Field(
        default=0.75, ge=0, le=1, description="Confidence every attribute needs, to be done."
    )
    known_brands: int = Field(
        default=20_000, ge=0, description="Of a tenant's brands, how many are looked for in names."
    )
