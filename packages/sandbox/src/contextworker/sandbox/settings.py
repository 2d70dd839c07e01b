"""The sandbox's settings, from the environment: prefix CONTEXTWORKER_SANDBOX_."""

import os

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import Settings


class SandboxSettings(Settings):
    """How many interpreters there are, and what code may use."""

    model_config = SettingsConfigDict(env_prefix="CONTEXTWORKER_SANDBOX_", frozen=True)

    processes: int = Field(
        default_factory=lambda: (os.cpu_count() or 1) + 1,
        ge=1,
        description="Interpreter processes kept warm, each for one turn at a time.",
    )
