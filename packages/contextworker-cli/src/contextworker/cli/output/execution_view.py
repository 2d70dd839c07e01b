"""What a program came to, as if it had run here: its output, then its value, then its error."""

import json
import sys
from typing import TextIO

from contextworker.cli.errors import CliError
from contextworker.cli.output.console import err, out, spelt_out
from contextworker.cli.output.render import print_error
from contextworker.core.client import CodeError, Execution


def print_execution(execution: Execution) -> None:
    """Print what the program wrote to the two streams, and the value of its last expression."""
    out(), err()  # a stream that cannot spell a character is told to replace it
    _write(sys.stdout, execution.stdout)
    _write(sys.stderr, execution.stderr)
    if execution.result_is_repr:
        _write(sys.stdout, str(execution.result))
    elif execution.result is not None:
        _write(sys.stdout, json.dumps(execution.result, ensure_ascii=False, indent=2))
    if execution.error and execution.error.message not in execution.stderr:
        print_error(CliError(spelt_out(_sentence(execution.error))))


def _write(stream: TextIO, text: str) -> None:
    if not text:
        return
    if stream.isatty():
        text = spelt_out(text)
    stream.write(text if text.endswith("\n") else f"{text}\n")
    stream.flush()


def _sentence(error: CodeError) -> str:
    where = "" if error.line is None else f" (line {error.line})"
    return f"{error.type}: {error.message}{where}" if error.message else f"{error.type}{where}"
