"""The log files of a stack."""

from pathlib import Path


def rotate(folder: Path) -> None:
    """Keep the logs of the run before as NAME.log.1, so that each run's log starts empty."""
    for log in folder.glob("*.log"):
        log.replace(log.with_name(f"{log.name}.1"))
