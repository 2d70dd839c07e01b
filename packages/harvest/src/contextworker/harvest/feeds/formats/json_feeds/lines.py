"""JSON Lines feeds: one object on each line."""

from collections.abc import Iterator
from pathlib import Path

from contextworker.harvest.feeds.blocks import BadRow, Block, Row
from contextworker.harvest.feeds.formats.json_feeds.rows import JsonRows
from contextworker.harvest.feeds.formats.json_feeds.values import problem, read, unreadable
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
            try:
                values = read(line)
                reason = problem(values, line)
            except (ValueError, ArithmeticError, RecursionError) as error:
                reason = f"is no JSON object: {unreadable(error)}"
                values = None
            if reason is None:
                if rows.add(number, values, len(line)):
                    yield from rows.take()
                continue
            yield from rows.take()
            if values is None and _is_torn(line):
                reason = "the feed ends in the middle of this line"
                yield BadRow(number, "cut_off", reason, {"line": line})
            else:
                yield BadRow(number, "bad_json", f"the line {reason}", {"line": line})
    yield from rows.take()


def _is_torn(line: str) -> bool:
    """Whether a line that is no JSON is the last one, and not whole."""
    return not line.endswith(("\n", "\r")) and not line.rstrip().endswith("}")
