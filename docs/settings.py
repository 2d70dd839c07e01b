"""Write the table of every setting: `uv run docs/settings.py`; `--check` fails if it is stale."""

import argparse
import sys
from enum import Enum
from pathlib import Path

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from contextworker.brain import BrainSettings
from contextworker.cli.settings import CliSettings
from contextworker.codec_server.settings import CodecServerSettings
from contextworker.core.client import ClientSettings
from contextworker.core.settings import RuntimeSettings, WorkerSettings
from contextworker.core.tracing.settings import TracingSettings
from contextworker.gardener.settings import GardenerSettings
from contextworker.gateway.settings import GatewaySettings
from contextworker.harvest.settings import HarvestSettings
from contextworker.sandbox.settings import SandboxSettings

TARGET = Path(__file__).with_name("settings.md")
READERS: dict[str, type[BaseSettings]] = {
    "every process": RuntimeSettings,
    "every worker": WorkerSettings,
    "gateway": GatewaySettings,
    "codec server": CodecServerSettings,
    "harvest": HarvestSettings,
    "gardener": GardenerSettings,
    "sandbox": SandboxSettings,
    "every process with a Brain": BrainSettings,
    "every client, sandbox": ClientSettings,
    "gateway, every worker": TracingSettings,
    "contextworker": CliSettings,
}
HEAD = """# Settings

Every setting comes from the environment; the variable's name is in capitals there. This table is
written from the settings classes by `uv run docs/settings.py`.

## Temporal

The standard variables of every Temporal tool, and its profiles:

| variable | default | meaning |
|---|---|---|
| `TEMPORAL_ADDRESS` | `localhost:7233` | The frontend, host:port. |
| `TEMPORAL_HOST` | | An alias: used where TEMPORAL_ADDRESS is not set; the port may be left out. |
| `TEMPORAL_NAMESPACE` | `default` | The namespace. |
| `TEMPORAL_API_KEY` | | For Temporal Cloud. |
| `TEMPORAL_TLS_*` | | Certificates and keys. |
| `TEMPORAL_CONFIG_FILE`, `TEMPORAL_PROFILE` | | A TOML file of profiles, and the one to use. |

## ContextWorker

| variable | default | read by | meaning |
|---|---|---|---|
"""


def table() -> str:
    """Return the page."""
    rows: dict[str, str] = {}
    for reader, settings in READERS.items():
        for name, info in settings.model_fields.items():
            variable = _variable(settings, name, info)
            row = f"| `{variable}` | {_default(info)} | {reader} | {info.description} |"
            rows.setdefault(variable, row)
    return HEAD + "\n".join(rows.values()) + "\n"


def _variable(settings: type[BaseSettings], name: str, info: FieldInfo) -> str:
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return str(alias or f"{settings.model_config.get('env_prefix', '')}{name}").upper()


def _default(info: FieldInfo) -> str:
    if info.default_factory is not None:
        return ""  # depends on where the process runs: the description says how
    value = info.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        value = str(value).lower()
    return "" if value in (None, "") else f"`{value}`"


def main() -> None:
    """Write the page, or with --check exit 1 where it is stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, fail if stale")
    if not parser.parse_args().check:
        TARGET.write_text(table())
    elif TARGET.read_text() != table():
        sys.exit("docs/settings.md is stale; run `uv run docs/settings.py` and commit")


if __name__ == "__main__":
    main()
