"""Settings of the harvest worker, from the environment: prefix CONTEXTWORKER_."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from contextworker.core.settings import Settings

_MIB = 1024 * 1024


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
        default=4096 * _MIB, ge=1, description="A larger feed is refused (unpacked size)."
    )
    harvest_max_workbook_bytes: int = Field(
        default=256 * _MIB,
        ge=1,
        description="An XLSX feed that unpacks to more is refused: workbooks are read in memory.",
    )
    harvest_connect_timeout_s: float = Field(
        default=10, gt=0, description="To reach a supplier's server."
    )
    harvest_read_timeout_s: float = Field(
        default=30, gt=0, description="Longest silence of a supplier's server."
    )
    harvest_heartbeat_timeout_s: float = Field(
        default=20,
        ge=1,
        description="After this silence of a worker, another one resumes its activity.",
    )
    harvest_parallel_suppliers: int = Field(
        default=8, ge=1, le=100, description="How many suppliers `all` harvests at once."
    )
