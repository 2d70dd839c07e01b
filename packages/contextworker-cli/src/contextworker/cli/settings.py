"""Settings of the command line, from the environment."""

from pathlib import Path

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import SettingsConfigDict

from contextworker.cli.errors import CliError
from contextworker.core.printing import PrintedRedacted

DEFAULT_PORT = 50052


class CliSettings(PrintedRedacted):
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
    store_url: str = Field(
        default="",
        validation_alias=AliasChoices("CONTEXTWORKER_STORE_URL"),
        description="The object store that `contextworker gardener train` puts a file into and "
        "`contextworker objects` cleans; else the running stack's.",
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


def read_settings() -> CliSettings:
    """Read the settings.

    Raises:
        CliError: One of them cannot be; names the variable and says why.
    """
    try:
        return CliSettings()
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise CliError("The environment holds settings that cannot be:", problems) from None
