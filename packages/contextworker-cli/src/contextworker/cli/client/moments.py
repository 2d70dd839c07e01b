"""Moments as they are written on a command line."""

import re
from datetime import datetime, timedelta

from contextworker.cli.errors import UsageError

_AGO = re.compile(r"(?P<amount>\d{1,6})(?P<unit>[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_moment(option: str, text: str, now: datetime) -> datetime:
    """Read `2h`, as so long ago, or a time as ISO 8601 writes it; the machine's zone by default.

    Raises:
        UsageError: It is neither.
    """
    try:
        if match := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[match["unit"]]: int(match["amount"])})
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.astimezone()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text!r} is no time: write 30m, 2h or 3d for so long ago, or a time such as "
            "2026-11-22, 2026-11-22T08:00 or 2026-11-22T08:00Z."
        ) from None
