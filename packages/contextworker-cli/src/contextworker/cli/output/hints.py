"""Commands to type next, written as the person wrote this one."""

import os


def command(words: str) -> str:
    """Return a `contextworker` command line that works where this one did.

    Under `uv run`, which announces itself in UV, the executable is on no PATH of the person's own.
    """
    return f"{'uv run ' if 'UV' in os.environ else ''}contextworker {words}"
