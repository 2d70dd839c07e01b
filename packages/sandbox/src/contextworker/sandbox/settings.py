"""The sandbox's settings, from the environment: prefix CONTEXTWORKER_SANDBOX_."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import Settings


class SandboxSettings(Settings):
    """How many interpreters there are, and what code may use."""

    model_config = SettingsConfigDict(env_prefix="CONTEXTWORKER_SANDBOX_", frozen=True)

    processes: int = Field(
        default_factory=lambda: (os.cpu_count() or 1) + 1,
        ge=1,
        description=(
            "Interpreter processes kept warm, each for one turn at a time; one more than there "
            "are processors where none is given. With two or more, no tenant takes all."
        ),
    )
    turns_per_process: int = Field(
        default=1000, ge=1, description="A process is replaced after so many turns."
    )
    limits: Path | None = Field(
        default=None,
        description="TOML file of what code may use, by tenant; the defaults where none is given.",
    )
