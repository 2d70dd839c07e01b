"""What the command line reports, as a sentence and an exit code.

CliError                   a sentence for the person at the terminal; exit code 1
├── UsageError             the command line is wrong; exit code 2
├── StackError             the local stack cannot start or broke
│   └── ChildError         one of its processes did; carries the end of its log
├── GatewayError           the gateway refused, or failed
│   └── NoGatewayError     nothing answers at the address
├── BrainError             the Brain cannot be opened
├── DeployError            a module's versions cannot be seen, or not be changed so
├── ReleaseError           a member cannot be released
├── KeyFileError           a file of keys cannot be read or changed
├── TokenError             a token or its key cannot be made
└── ScaffoldError          a new module cannot be made
"""

from collections.abc import Sequence
from pathlib import Path
from shutil import disk_usage

_FULL_DISK = 1_000_000  # bytes


class CliError(Exception):
    """A failure told in one sentence; `details` are printed below it, one a line."""

    exit_code = 1

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class UsageError(CliError):
    """The command line is wrong."""

    exit_code = 2


class StackError(CliError):
    """The local stack cannot start, or broke."""


class ChildError(StackError):
    """A process of the stack failed; says where its log is and how it ends."""

    def __init__(self, message: str, *, log: Path, tail: Sequence[str]) -> None:
        shown = tail or ["(the log is empty)"]
        details = [f"its log: {log}", *(f"  │ {line}" for line in shown)]
        if log.parent.exists() and disk_usage(log.parent).free < _FULL_DISK:
            details.append("The disk is full: a log and a database need room to be written.")
        super().__init__(message, details)
        self.log = log


class GatewayError(CliError):
    """The gateway refused the request, or failed at it."""


class NoGatewayError(GatewayError):
    """Nothing answers at the gateway's address."""


class StalledError(CliError):
    """A followed workflow stands still."""


class BrainError(CliError):
    """The Brain cannot be opened."""


class TokenError(CliError):
    """A token, or the key to sign it with, cannot be made."""


class KeyFileError(CliError):
    """A file of keys cannot be read, or not be changed as asked."""


class ReleaseError(CliError):
    """A member cannot be released as asked; nothing has changed."""


class ScaffoldError(CliError):
    """A new module cannot be made; nothing is left half-written."""


class DeployError(CliError):
    """A module's versions cannot be seen, or cannot be changed as asked."""
