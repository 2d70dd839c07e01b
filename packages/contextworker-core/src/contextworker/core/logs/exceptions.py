"""Says an exception in a record: its chain and where it came from, without any values."""

import sys
from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, WrappedLogger

from contextworker.core.logs.redaction import redacted

MAX_CHAIN: Final = 5
_MAX_FRAMES: Final = 16
_MAX_GROUPED: Final = 3
_MAX_CHARACTERS: Final = 500

_transform = ExceptionDictTransformer(show_locals=False, max_frames=_MAX_FRAMES, use_rich=False)


def add_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put `exception` in the place of `exc_info`."""
    given = event.pop("exc_info", None)
    if isinstance(given, BaseException):
        given = (type(given), given, given.__traceback__)
    elif given and not isinstance(given, tuple):
        given = sys.exc_info()
    if given and given[1] is not None:
        event["exception"] = _told(_transform(given), given[1])
    return event


def sentence_of(error: BaseException) -> str:
    """Return an exception's message; one of Pydantic's without the values that it would quote."""
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, item['loc'])) or error.title}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False, include_context=False)
        )
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - a record must not fail for what it is about
        return f"its message cannot be read: {type(broken).__name__}"


def _told(stacks: list[dict[str, Any]], error: BaseException) -> list[dict[str, object]]:
    return [
        _exception(stack, each)
        for stack, each in zip(stacks[:MAX_CHAIN], _chain(error), strict=False)
    ]


def _exception(stack: dict[str, Any], error: BaseException) -> dict[str, object]:
    told: dict[str, object] = {
        "type": stack["exc_type"],
        # In this order: of a secret that is cut through, nobody would know the rest.
        "message": redacted(sentence_of(error))[:_MAX_CHARACTERS],
        "frames": [
            f"{frame['filename']}:{frame['lineno']} {frame['name']}".removeprefix(":-1 ")
            for frame in stack["frames"]
        ],
    }
    if isinstance(error, BaseExceptionGroup):
        grouped = zip(stack["exceptions"], error.exceptions, strict=True)
        told["exceptions"] = [_told(*each) for each in list(grouped)[:_MAX_GROUPED]]
    return told


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Walk what led to an exception as Python's own tracebacks do."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
