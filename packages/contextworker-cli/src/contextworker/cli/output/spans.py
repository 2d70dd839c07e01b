"""Spans of time in a few words."""

from datetime import datetime, timedelta

_UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
)


def span(length: timedelta) -> str:
    """Return a length of time in its largest unit, such as `3 min`."""
    for unit, name in _UNITS:
        if length >= unit:
            return f"{length // unit} {name}"
    return f"{max(0, int(length.total_seconds()))} s"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago something was, such as `3 min ago`."""
    return f"{span(now - moment)} ago"
