"""How long a token is good, as a person writes it."""

import re
from datetime import timedelta

from contextworker.cli.errors import UsageError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_lifetime(text: str) -> timedelta:
    """Read `90s`, `15m`, `1h` or `7d`.

    Raises:
        UsageError: It is none of these.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text.strip())
    if match is None:
        raise UsageError(
            f"--expires-in {text!r} is no time: write 90s, 15m, 1h or 7d, for example."
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
