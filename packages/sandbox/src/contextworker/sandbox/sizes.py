"""How large text is where it travels, which is as JSON.

That writes six bytes for a control character: what prints nothing else could else come to six times
its size, more than Temporal takes, and the run could never tell how it ended.
"""

from typing import Any, Final

from pydantic_core import to_json

_WRITTEN: Final = 6
_CONTROL: Final = bytes(set(range(0x20)) - set(b"\n\r\t"))


def written_bytes(text: str) -> int:
    """Return a text's bytes as UTF-8, where each control character but white space counts six."""
    raw = text.encode(errors="replace")
    return len(raw) + (_WRITTEN - 1) * (len(raw) - len(raw.translate(None, _CONTROL)))


def json_bytes(value: Any) -> int:
    """Return how many bytes a value takes as JSON."""
    return len(to_json(value))


def too_large(what: str, value: Any, most: int) -> str | None:
    """Say that an answer takes more than it may; None where it does not."""
    size = json_bytes(value)
    if size <= most:
        return None
    return f"the answer of {what} takes {size:,} bytes, and may take {most:,}: ask for less"


def cut(text: str, size: int) -> str:
    """Return no more of a text than takes so many bytes."""
    if written_bytes(text) <= size:
        return text
    head = text.encode(errors="replace")[:size].decode(errors="ignore")
    if written_bytes(head) <= size:
        return head
    return head[: size // _WRITTEN]
