"""The two streams: results go to stdout, everything else to stderr.

Rich drops colours and animation by itself where the stream is no terminal, and honours NO_COLOR.
"""

import json
import os
import re
import sys
from functools import cache
from typing import Any

from rich.console import Console

PIPED_WIDTH = 200
# All but tabs and line breaks: whoever wrote a text must not steer the terminal of its reader.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LATE_CONTROLS = re.compile(r"[\x7f-\x9f]")


@cache
def out() -> Console:
    """The results."""
    return _console(stderr=False)


@cache
def err() -> Console:
    """Progress, notes and errors."""
    return _console(stderr=True)


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout, for programs: no colour, no wrapping."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    # JSON spells out the other control characters by itself.
    sys.stdout.write(_LATE_CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")
    sys.stdout.flush()


def spelt_out(text: str) -> str:
    """Return a text that came from outside with its control characters spelt out."""
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:  # a product name must not fail a terminal that cannot spell it
        reconfigure(errors="replace")
    # Rich takes a pipe for 80 columns and would cut tables; a reader of pipes has room.
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    return Console(stderr=stderr, highlight=False, soft_wrap=False, width=width)
