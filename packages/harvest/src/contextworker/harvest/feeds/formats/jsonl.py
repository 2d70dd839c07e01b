"""JSON Lines feeds: one object on each line."""

from collections.abc import Iterator
from pathlib import Path

from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.formats.json_rows import JsonRows
from contextworker.harvest.feeds.formats.json_values import problem, read, unreadable
from contextworker.harvest.feeds.formats.text import lines, open_text
from contextworker.harvest.messages import Feed


def read_jsonl(path: Path, feed: Feed) -> Iterator[Block | Row]:
    """Yield the rows of a JSON Lines feed. Fractions are exact.

    Raises:
        FeedError: The bytes are not of the encoding, or a line is too long to be a row.
    """
    rows = JsonRows()
    with open_text(path, feed) as file:
        for number, line in enumerate(lines(file, feed), start=1):
            if line.isspace():
                continue
            row = _row(number, line)
            if isinstance(row, BadRow):
                yield from rows.take()
                yield row
            elif rows.add(number, row.values, len(line)):
                yield from rows.take()
    yield from rows.take()


def _row(number: int, line: str) -> Row:
    try:
        values = read(line)
    except (ValueError, ArithmeticError, RecursionError) as error:
        if not line.endswith(("\n", "\r")) and not line.rstrip().endswith("}"):
            reason = "the feed ends in the middle of this line"
            return BadRow(number, "cut_off", reason, {"line": line})
        reason = f"the line is no JSON object: {unreadable(error)}"
        return BadRow(number, "bad_json", reason, {"line": line})
    if wrong := problem(values, line):
        return BadRow(number, "bad_json", f"the line {wrong}", {"line": line})
    return RawRow(number, values)
