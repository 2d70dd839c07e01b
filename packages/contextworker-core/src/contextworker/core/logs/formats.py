"""How records are written."""

from enum import StrEnum


class LogFormat(StrEnum):
    """What a line of the log looks like."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"
