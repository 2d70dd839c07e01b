"""JSON Lines feeds: one object on each line."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from contextworker.harvest.feeds.blocks import BadRow, RawRow, Row
from contextworker.harvest.feeds.formats.text import lines, open_text
from contextworker.harvest.messages import Feed

_DEEPEST = 50


def read_jsonl(path: Path, feed: Feed) -> Iterator[Row]:
    """Yield the rows of a JSON Lines feed. Fractions are Decimals, exactly as written.

    Raises:
        FeedError: The bytes are not of the encoding.
    """
    with open_text(path, feed) as file:
        for number, line in enumerate(lines(file, feed), start=1):
            if line.strip():
                yield _row(number, line)


def _row(number: int, line: str) -> Row:
    try:
        values: Any = json.loads(line, parse_float=Decimal, parse_constant=_no_number)
        if "\\u" in line:
            json.dumps(values, default=str, ensure_ascii=False).encode()
    except (ValueError, ArithmeticError, RecursionError) as error:
        if not line.endswith(("\n", "\r")) and not line.rstrip().endswith("}"):
            reason = "the feed ends in the middle of this line"
            return BadRow(number, "cut_off", reason, {"line": line})
        why = "a number in it is out of all range" if isinstance(error, ArithmeticError) else error
        return BadRow(number, "bad_json", f"the line is no JSON object: {why}", {"line": line})
    if not isinstance(values, dict):
        kind = type(values).__name__
        reason = f"the line holds a {kind} where an object {{…}} is expected"
        return BadRow(number, "bad_json", reason, {"line": line})
    if _too_deep(values):
        reason = f"the line is nested more than {_DEEPEST} levels deep"
        return BadRow(number, "bad_json", reason, {"line": line})
    return RawRow(number, values)


def _too_deep(values: dict[str, Any]) -> bool:
    level: list[Any] = [values]
    for _ in range(_DEEPEST):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
