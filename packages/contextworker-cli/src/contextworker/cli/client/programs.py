"""A program as it is named on a command line: a file, standard input, or the program itself."""

import sys
from pathlib import Path

from contextworker.cli.errors import CliError, UsageError

_STDIN = "-"


def read_program(file: str | None, code: str | None) -> str:
    """Return the program: of a file, of standard input where that is `-`, or `code` itself.

    Raises:
        CliError: The file cannot be read.
        UsageError: Not exactly one of them is given, or it is empty, or no text.
    """
    if file and file.startswith("-") and file != _STDIN:
        raise UsageError(f"There is no option {file}; a file of that name is ./{file}.")
    if (file is None) == (code is None):
        raise UsageError("Give the program as a FILE, as - for standard input, or with -c CODE.")
    program = _read(file) if file is not None else code
    if not program:
        raise UsageError(f"{_named(file)} is empty: there is no program to run.")
    return program


def _read(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == _STDIN else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise CliError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{_named(file)} is no text in UTF-8: {error}.") from error


def _named(file: str | None) -> str:
    return {None: "What follows -c", _STDIN: "Standard input"}.get(file, str(file))
