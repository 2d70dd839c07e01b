"""JSON feeds: one document with a list of objects somewhere in it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Block, Row
from contextworker.harvest.feeds.formats.json_feeds.rows import JsonRows
from contextworker.harvest.feeds.formats.json_feeds.text import JsonText
from contextworker.harvest.feeds.formats.json_feeds.values import problem
from contextworker.harvest.feeds.formats.text import open_text
from contextworker.harvest.messages import Feed

_DEEPEST = 50
_NAMED = 12
_SHOWN = 80


def read_json(path: Path, feed: Feed) -> Iterator[Block | Row]:
    """Yield the objects of the document's first list of objects, or of the one at `feed.items`.

    They are numbered from 1.

    Raises:
        FeedError: The document is no JSON, is cut off, or has no such list.
    """
    with open_text(path, feed) as file:
        text = JsonText(file, source=feed.source)
        others: list[str] = []
        is_found = False
        for where in _lists_of_objects(text):
            if not is_found and feed.items in {None, where}:
                is_found = True
                yield from _rows(text)
            elif where not in others and len(others) < _NAMED:
                others.append(where)
    if not is_found:
        raise _no_list(feed, others)


def _no_list(feed: Feed, others: list[str]) -> FeedError:
    if feed.items is None:
        return FeedError(
            f"the feed {feed.source} has no list of objects in it, such as "
            '[{"sku": …}, …] or {"items": [{"sku": …}, …]}; ask the supplier for a new export'
        )
    found = (
        f"it has some at {', '.join(repr(name[:_SHOWN]) for name in others)}"
        if others
        else "nor any other"
    )
    return FeedError(
        f"the feed {feed.source} has no list of objects at {feed.items!r}; {found}; "
        "set items of this source to where the products are"
    )


def _rows(text: JsonText) -> Iterator[Block | Row]:
    rows = JsonRows()
    for number in count(1):
        values, raw = text.value()
        if wrong := problem(values, raw):
            yield from rows.take()
            yield BadRow(number, "bad_json", f"item {number} of the list {wrong}", {"item": raw})
        elif rows.add(number, values, len(raw)):
            yield from rows.take()
        if text.take(",]") == "]":
            yield from rows.take()
            return


def _lists_of_objects(text: JsonText) -> Iterator[str]:
    """Walk through the document; stop before the first object of each list that begins with one.

    Yields:
        The keys that lead to the list, such as `data.items`. Whoever takes the list's values takes
        its end, too; of a list that is left alone, the values are walked through.
    """
    inside: list[str] = []
    keys: list[str] = []
    while True:
        begun = _begin(text)
        if begun == "[{":
            before = text.position
            yield ".".join(keys)
            begun = "]" if text.position == before else ""
        if begun:
            inside.append(begun)
            if begun == "}":
                keys.append("")
            if len(inside) > _DEEPEST:
                raise text.wrong(f"it is nested more than {_DEEPEST} levels deep")
        else:
            while inside and text.take("," + inside[-1]) != ",":
                if inside.pop() == "}":
                    keys.pop()
            if not inside:
                text.end()
                return
        if inside[-1] == "}":
            keys[-1] = text.key()


def _begin(text: JsonText) -> str:
    """Take the next value, or its beginning.

    Returns:
        What will close it, where values are in it; `[{` for a list that begins with an object.
    """
    closing = {"{": "}", "[": "]"}.get(text.peek(), "")
    if not closing:
        text.value()
        return ""
    text.take("{[")
    if text.peek() == closing:
        text.take(closing)
        return ""
    return "[{" if closing == "]" and text.peek() == "{" else closing
