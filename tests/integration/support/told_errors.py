"""What processes tell of errors in their logs."""

import re

_EXCEPTION = re.compile(r'Traceback|"exception": ')
# The SDK interrupts workflow code that does not end its turn within two seconds, and has it begin
# anew. On a busy machine that is code which was given no processor.
_NO_TURN = re.compile(r"_(?:Interrupt)?DeadlockError\b")


def told_errors(log: str) -> list[str]:
    """Return the lines of a log that tell of an exception."""
    return [
        line for line in log.splitlines() if _EXCEPTION.search(line) and not _NO_TURN.search(line)
    ]
