"""The extra `frames`: only who moves products by the batch needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from contextworker.core.errors import ConfigurationError


@contextmanager
def needing_frames() -> Iterator[None]:
    """Say what to install where an import inside finds no polars."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"polars", "polars_hash"}:
            raise
        raise ConfigurationError(
            f"moving products by the batch needs {error.name}, which is not installed: install "
            '"contextworker-brain[frames]"'
        ) from error
