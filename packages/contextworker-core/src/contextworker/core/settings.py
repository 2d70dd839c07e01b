"""Settings every worker and the gateway share, from the environment: prefix CONTEXTWORKER_.

Temporal's own settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*,
profiles) are read by `contextworker.core.connection` the way every Temporal tool reads them.
"""

import logging
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contextworker.core.errors import ConfigurationError


class Promotion(StrEnum):
    """When a starting worker makes its own version the current one of its deployment."""

    FIRST = "first"
    ALWAYS = "always"
    NEVER = "never"


class VersioningBehavior(StrEnum):
    """What an open run does when a newer version becomes current."""

    PINNED = "pinned"
    AUTO_UPGRADE = "auto_upgrade"


def _level(name: str) -> str:
    levels = logging.getLevelNamesMapping()
    if name.upper() not in levels:
        raise ValueError(f"is none of {', '.join(levels)}")
    return name.upper()


def _commit(text: str) -> str:
    if text and not re.fullmatch(r"[0-9a-f]{7,64}", text.lower()):
        raise ValueError("is no commit: give its hash, 7 to 64 hexadecimal digits")
    return text.lower()


class Settings(BaseSettings):
    """Settings from the environment; a wrong one is told by its variable's name, not its value.

    Raises:
        ConfigurationError: Names every variable with a value that it cannot have.
    """

    def __init__(self, **values: Any) -> None:
        """Read the environment; arguments win over it."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            told = [
                f"{self._variable(item['loc'])}{item['msg'].removeprefix('Value error, ')}"
                for item in error.errors(include_input=False, include_url=False)
            ]
            # Without its cause, which would show the values: one may be a secret.
            raise ConfigurationError("; ".join(told)) from None

    @classmethod
    def _variable(cls, loc: tuple[int | str, ...]) -> str:
        if not loc:  # a rule about several settings names them itself
            return ""
        name = str(loc[0])
        return f"{name if name.isupper() else cls.model_config['env_prefix'] + name.upper()}: "


class RuntimeSettings(Settings):
    """What every process of this project reads."""

    model_config = SettingsConfigDict(env_prefix="CONTEXTWORKER_", frozen=True)

    log_level: Annotated[str, AfterValidator(_level)] = Field(
        default="INFO", description="Standard level name."
    )
    store_url: str = Field(
        default_factory=lambda: Path(".contextworker/objects").resolve().as_uri(),
        description=(
            "Object store for bulk data: file://, s3://, gs:// or az://; "
            ".contextworker/objects in the working folder where none is given."
        ),
    )
    versioning: bool = Field(
        default=True,
        description="Worker Deployment versions; off where the Temporal server lacks them.",
    )
    metrics_address: str = Field(
        default="",
        description=(
            "host:port of Temporal's metrics for Prometheus, by IP address; empty for none."
        ),
    )


class WorkerSettings(RuntimeSettings):
    """What a worker process reads besides."""

    model_config = SettingsConfigDict(populate_by_name=True)

    shutdown_grace_s: float = Field(
        default=30, ge=0, description="How long running activities may finish after SIGTERM."
    )
    health_address: str = Field(
        default="", description="host:port of the gRPC health service; empty for none."
    )
    max_concurrent_activities: int = Field(default=20, ge=1, description="Per module.")
    max_concurrent_workflow_tasks: int = Field(default=100, ge=2, description="Per module.")
    promotion: Promotion = Field(
        default=Promotion.FIRST,
        description="When this worker makes its version current: first, always or never.",
    )
    versioning_behavior: VersioningBehavior = Field(
        default=VersioningBehavior.PINNED,
        description="Open runs on a newer version: pinned or auto_upgrade.",
    )
    commit: Annotated[str, AfterValidator(_commit)] = Field(
        default="",
        description=(
            "Hash of the commit the worker was built from; its first 12 digits are added to the "
            "package's version."
        ),
    )
    deployment_name: str = Field(
        default="",
        validation_alias=AliasChoices("TEMPORAL_DEPLOYMENT_NAME"),
        description=(
            "Temporal's Worker Deployment, in place of the module's name; "
            "for a process of one module. Temporal's Worker Controller sets it."
        ),
    )
    build_id: str = Field(
        default="",
        validation_alias=AliasChoices("TEMPORAL_WORKER_BUILD_ID"),
        description=(
            "The version's build id, in place of the package's version and commit; "
            "for a process of one module. Temporal's Worker Controller sets it."
        ),
    )
