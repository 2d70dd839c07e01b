"""Settings of the harvest worker, from the environment: prefix CONTEXTWORKER_."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from contextworker.core.settings import Settings

_MIB = 1024 * 1024


def _networks(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    words = [word.strip() for word in value.split(",") if word.strip()]
    try:
        return tuple(ip_network(word) for word in words)
    except ValueError as error:
        raise ValueError(f"{error}; write networks such as 10.1.0.0/16, with commas") from None


class HarvestSettings(Settings):
    """What the harvest worker reads besides the settings every worker has."""

    model_config = SettingsConfigDict(env_prefix="CONTEXTWORKER_", frozen=True)

    suppliers_dir: Path = Field(
        default=Path("examples/suppliers"), description="Folder of supplier files, CODE.toml each."
    )
    harvest_batch_rows: int = Field(
        default=25_000, ge=1, le=100_000, description="Products stored in one Brain transaction."
    )
    harvest_parallel_batches: int = Field(
        default=2, ge=1, le=16, description="Transactions at once, in one harvest."
    )
    harvest_max_feed_bytes: int = Field(
        default=4096 * _MIB, ge=1, description="A larger feed is refused, packed or unpacked."
    )
    harvest_max_workbook_bytes: int = Field(
        default=256 * _MIB,
        ge=1,
        description="A workbook that unpacks to more is refused: it is read in memory.",
    )
    harvest_connect_timeout_s: float = Field(
        default=10, gt=0, description="To reach a supplier's server."
    )
    harvest_read_timeout_s: float = Field(
        default=30, gt=0, description="Longest silence of a supplier's server."
    )
    harvest_fetch_timeout_s: float = Field(
        default=3600, gt=0, le=7000, description="Longest download of one feed."
    )
    harvest_min_bytes_per_s: float = Field(
        default=1000, ge=0, description="A download slower than this for a minute is given up."
    )
    harvest_max_redirects: int = Field(
        default=5, ge=0, le=50, description="How often a feed's address may send elsewhere."
    )
    harvest_max_resumes: int = Field(
        default=5, ge=0, le=100, description="How often one download goes on after it broke off."
    )
    harvest_max_unpack_ratio: int = Field(
        default=250,
        ge=1,
        description="A feed that unpacks to more times its size, and over 64 MiB, is refused.",
    )
    harvest_allowed_networks: Annotated[
        tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)
    ] = Field(
        default=(),
        description=(
            "Networks, such as 10.1.0.0/16,fd00::/8, that feeds may be fetched from although they "
            "are not public."
        ),
    )
    harvest_heartbeat_timeout_s: float = Field(
        default=20,
        ge=1,
        description="After this silence of a worker, another one resumes its activity.",
    )
    harvest_parallel_suppliers: int = Field(
        default=8, ge=1, le=100, description="How many suppliers `all` harvests at once."
    )
