"""Writes a record as one bounded line, or on a terminal as one line and its traceback."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from contextworker.core.logs.redaction import named_value

MAX_LINE_BYTES: Final = 8 * 1024

_SHRINKING: Final = ((2_000, 40), (500, 12), (120, 6))
"""Characters of a text and entries of a collection, tighter until the line fits."""

_ALWAYS: Final = ("timestamp", "level", "event", "logger")
# Also what turns the direction of text, or ends a line for some readers.
_CONTROL: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take out secrets, and make every value one that JSON has."""
    return {key: named_value(key, value) for key, value in event.items()}


def json_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """Write a record as one line of JSON, in ASCII: nothing in a value can begin another line."""
    return _fitting(event, json.dumps)


def console(*, colors: bool) -> Callable[[WrappedLogger, str, EventDict], str]:
    """Make what writes a record for a person; what values hold cannot look like another record."""
    renderer = structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0)

    def lines(logger: WrappedLogger, method: str, event: EventDict) -> str:
        def written(fitted: Mapping[str, object]) -> str:
            harmless = {str(_escaped(key)): _escaped(value) for key, value in fitted.items()}
            chain = harmless.pop("exception", None)
            line = renderer(logger, method, harmless)
            return "\n".join([str(line), *_traceback(chain, "    ")])

        return _fitting(event, written)

    return lines


def _fitting(event: EventDict, written: Callable[[Mapping[str, object]], str]) -> str:
    for characters, entries in _SHRINKING:
        line = written(_cut_entries(event, characters, entries))
        if len(line.encode(errors="replace")) <= MAX_LINE_BYTES:
            return line
    left = {key: event[key] for key in _ALWAYS if key in event}
    return written({**_cut_entries(left, 500, len(_ALWAYS)), "cut": "fields and traceback"})


def _cut_entries(event: EventDict, characters: int, entries: int) -> dict[str, object]:
    return {key: _cut(value, characters, entries) for key, value in event.items()}


def _cut(value: object, characters: int, entries: int) -> object:
    if isinstance(value, str) and len(value) > characters:
        return f"{value[:characters]}… ({len(value) - characters} characters more)"
    if isinstance(value, dict):
        kept = dict(list(value.items())[:entries])
        cut = {key: _cut(item, characters, entries) for key, item in kept.items()}
        return cut if len(kept) == len(value) else {**cut, "…": f"{len(value) - len(kept)} more"}
    if isinstance(value, list):
        cut_items = [_cut(item, characters, entries) for item in value[:entries]]
        return (
            cut_items if len(value) <= entries else [*cut_items, f"… {len(value) - entries} more"]
        )
    return value


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], value)
    if isinstance(value, dict):
        return {_escaped(key): _escaped(item) for key, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list) else value


def _traceback(chain: object, indent: str) -> list[str]:
    """Write an exception's chain, every line of it indented: none can pass for a record."""
    lines: list[str] = []
    for number, told in enumerate(chain if isinstance(chain, list) else []):
        if not isinstance(told, dict):  # "… 2 more"
            lines.append(f"{indent}{told}")
            continue
        lines.append(f"{indent}{'from ' if number else ''}{told['type']}: {told['message']}")
        lines += [f"{indent}  at {frame}" for frame in told["frames"]]
        for grouped in told.get("exceptions", ()):
            lines += _traceback(grouped, f"{indent}  | ")
    return lines
