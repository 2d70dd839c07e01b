"""Settings every worker and the gateway share, from the environment: prefix CONTEXTWORKER_.

Temporal's own settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*,
profiles) are read by `contextworker.core.connection` the way every Temporal tool reads them.
"""

import logging
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from contextworker.core.errors import ConfigurationError
from contextworker.core.logs.formats import LogFormat
from contextworker.core.logs.redaction import conceal
from contextworker.core.printing import PrintedRedacted, secrets_in


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


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value  # as a variable that a deployment left empty


def _commit(text: str) -> str:
    if text and not re.fullmatch(r"[0-9a-f]{7,64}", text.lower()):
        raise ValueError("is no commit: give its hash, 7 to 64 hexadecimal digits")
    return text.lower()


class Settings(PrintedRedacted):
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
        for value in vars(self).values():
            if isinstance(value, SecretStr):
                conceal(*secrets_in(value.get_secret_value()))

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
    log_format: LogFormat = Field(
        default=LogFormat.AUTO,
        description=(
            "json: one line of JSON a record; console: for a person; "
            "auto: console where standard error is a terminal."
        ),
    )
    no_color: str = Field(
        default="",
        validation_alias="NO_COLOR",
        description="Anything here: no colours in the log, also on a terminal.",
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
    encryption_keys: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "Keys that encrypt whatever Temporal stores of a run, `id:base64,id:base64`: the first "
            "encrypts, all decrypt. All members take the same. Empty for no encryption."
        ),
    )
    encryption_keys_file: Annotated[Path | None, BeforeValidator(_none_if_empty)] = Field(
        default=None,
        description=(
            "TOML file of keys, in place of CONTEXTWORKER_ENCRYPTION_KEYS; it may give tenants "
            "keys of their own, and is read again when it changes."
        ),
    )
    external_payloads: bool = Field(
        default=False,
        description=(
            "Keep large payloads in the object store, and references to them in Temporal. Every "
            "member, the gateway too, then needs the same CONTEXTWORKER_STORE_URL."
        ),
    )
    external_payload_bytes: int = Field(
        default=256 * 1024,
        ge=16 * 1024,
        le=2 * 1024 * 1024,
        description="From which size on a payload goes to the object store.",
    )
    payload_retention_days: int = Field(
        default=180,
        ge=0,
        description=(
            "When payloads go from the object store; more than the longest run and the namespace's "
            "retention together. 0 for never."
        ),
    )
    metrics_address: str = Field(
        default="",
        description=("host:port of the metrics for Prometheus, by IP address; empty for none."),
    )
    metrics_max_tenants: int = Field(
        default=100,
        ge=0,
        description="How many tenants the metrics tell apart; what comes later is `other`.",
    )
    metrics_max_suppliers: int = Field(
        default=1000,
        ge=0,
        description="How many suppliers the metrics tell apart; what comes later is `other`.",
    )

    @model_validator(mode="after")
    def _one_store_for_all(self) -> Self:
        # The default is a folder of each process's own.
        if self.external_payloads and "store_url" not in self.model_fields_set:
            raise ValueError(
                "CONTEXTWORKER_EXTERNAL_PAYLOADS is set without CONTEXTWORKER_STORE_URL: give the "
                "store that every member reaches"
            )
        return self

    @model_validator(mode="after")
    def _keys_from_one_place(self) -> Self:
        if self.encryption_keys.get_secret_value() and self.encryption_keys_file is not None:
            raise ValueError(
                "CONTEXTWORKER_ENCRYPTION_KEYS and CONTEXTWORKER_ENCRYPTION_KEYS_FILE are both "
                "set: give the keys in one of them"
            )
        return self


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
