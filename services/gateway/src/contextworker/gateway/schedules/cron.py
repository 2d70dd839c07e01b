"""What a cron expression and a time zone may be, before Temporal judges the rest of it."""

import re

FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_MACROS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_FIELD = re.compile(r"[0-9A-Za-z*/,-]+")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]*")


def cron_problem(cron: str) -> str | None:
    """Say what is wrong with an expression's form; None where nothing is.

    Temporal reads more than cron: years and seconds, `CRON_TZ=`, `@every`, comments. A time zone
    has a field of its own here, and the rest would mean something else to whoever knows cron.
    """
    if cron in _MACROS:
        return None
    if cron.startswith("@"):
        return f"must be five fields or one of {', '.join(_MACROS)}"
    parts = cron.split()
    if len(parts) != len(FIELDS):
        return f"must have five fields ({', '.join(FIELDS)}), not {len(parts)}"
    for name, part in zip(FIELDS, parts, strict=True):
        if not _FIELD.fullmatch(part):
            return f"has the {name} {part!r}, which is none: use numbers, names, '*', ',', '-', '/'"
    return None


def zone_problem(timezone: str) -> str | None:
    """Say what is wrong with a time zone's form; None where nothing is."""
    if timezone == "Local" or not _ZONE.fullmatch(timezone):  # Local is Temporal's own machine's
        return "must be the name of a time zone, such as Europe/Kyiv or UTC"
    return None


def cron_strings(cron: str) -> list[str]:
    """Write an expression as Temporal reads it: the times of all strings together.

    Where both a day of the month and a day of the week are given, cron means either; Temporal
    would mean both.
    """
    parts = cron.split()
    if len(parts) != len(FIELDS):
        return [cron]
    minute, hour, day, month, weekday = parts
    if day.startswith("*") or weekday.startswith("*"):
        return [" ".join(parts)]
    return [f"{minute} {hour} {day} {month} *", f"{minute} {hour} * {month} {weekday}"]
