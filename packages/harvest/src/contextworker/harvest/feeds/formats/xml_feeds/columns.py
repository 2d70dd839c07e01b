"""Rows of XML feeds, collected as columns: a list of texts for each, made a frame by the block."""

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from operator import attrgetter

import polars as pl

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import Block
from contextworker.harvest.feeds.formats.xml_feeds.records import XmlRecords
from contextworker.harvest.feeds.formats.xml_feeds.text import (
    Element,
    UnknownEntityError,
    text_of,
)

Texts = list[str | None]
Route = Texts | Callable[[Element, str | None], None]

_TAG, _TEXT = attrgetter("tag"), attrgetter("text")
_ROWS = 10_000
_BYTES = 8 * 1024 * 1024
_MOST_COLUMNS = 1000
_MOST_CHILDREN = 10_000
_MOST_LAYOUTS = 200


class Columns:
    """The rows of one block at a time; a format says by overriding what its elements become."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._done = 0
        self._began = 0
        self.rows = 0
        self.lists: dict[str, Texts] = {}
        self._routes: dict[str, Route] = {}
        self._layouts: dict[tuple[str, ...], list[Route]] = {}

    def add(self, element: Element) -> None:
        """Add a product as a row.

        Raises:
            FeedError: It has more in it than a product can have.
        """
        if len(element) > _MOST_CHILDREN:
            raise self.problem(f"has more than {_MOST_CHILDREN:,} elements")
        try:
            self.fill(element)
        except UnknownEntityError as error:
            raise self.problem(f"refers to {error}, which is not declared") from error
        self.rows += 1

    def fill(self, element: Element) -> None:
        """Put a product's values into the current row: here, its children's texts."""
        row = self.rows
        children = list(element)
        tags = tuple(map(_TAG, children))
        routes = self._layouts.get(tags) or self._layout(tags, children)
        texts: Iterable[str | None] = map(_TEXT, children)
        if any(map(len, children)):
            texts = [self.nested(child) if len(child) else child.text for child in children]
        for child, route, text in zip(children, routes, texts, strict=True):
            if route.__class__ is not list:
                route(child, text)  # type: ignore[operator]  # no list, so a function
            elif text is not None:
                missing = row - len(route)
                if not missing:
                    route.append(text)
                elif missing > 0:
                    route += [*repeat(None, missing), text]
                else:
                    self.again(child.tag, text)

    def _layout(self, tags: tuple[str, ...], children: list[Element]) -> list[Route]:
        """Find out where children go; most products of a feed have the same ones."""
        routes = self._routes
        found = []
        for tag, child in zip(tags, children, strict=True):
            if tag not in routes:
                routes[tag] = self.route(child)
            found.append(routes[tag])
        if len(self._layouts) < _MOST_LAYOUTS:
            self._layouts[tags] = found
        return found

    def route(self, child: Element) -> Route:
        """Say where elements like this one go: into a list, or to a function."""
        if not isinstance(child.tag, str):
            return ignore  # an entity between the elements
        return self.list_of(child.tag)

    def nested(self, child: Element) -> str | None:
        """Return the text of an element that has others in it."""
        return text_of(child)

    def again(self, tag: str, text: str) -> None:
        """Take a further value of the current row; here, the first one counts."""

    def list_of(self, name: str) -> Texts:
        """Return the values of a column, which may lack those of the last rows.

        Raises:
            FeedError: There are too many columns.
        """
        found = self.lists.get(name)
        if found is None:
            if len(self.lists) >= _MOST_COLUMNS:
                raise self.problem(f"brings the {_MOST_COLUMNS + 1:,}th name of a field")
            found = self.lists[name] = []
        return found

    def put(self, name: str, text: str | None) -> None:
        """Set a value of the current row, where there is none yet."""
        texts = self.lists.get(name)
        if texts is None:
            texts = self.list_of(name)
        missing = self.rows - len(texts)
        if not missing:
            texts.append(text)
        elif missing > 0:
            texts += [*repeat(None, missing), text]

    def block(self) -> Block:
        """Return the rows since the last block, and forget them."""
        for texts in self.lists.values():
            texts.extend(repeat(None, self.rows - len(texts)))
        first = self._done + 1
        frame = self.frame()
        numbers = pl.int_range(first, first + self.rows, dtype=pl.UInt32, eager=True)
        self._done += self.rows
        self.rows = 0
        self.lists = {}
        self._routes = {}
        self._layouts = {}
        return Block(frame, numbers.alias("number"))

    def frame(self) -> pl.DataFrame:
        """Make the lists a frame of texts."""
        return pl.DataFrame(
            {name: pl.Series(name, texts, pl.String) for name, texts in self.lists.items()}
        )

    def full(self, position: int) -> bool:
        """Whether it is time for a block, now that so many bytes have been parsed."""
        if self.rows < _ROWS and position - self._began < _BYTES:
            return False
        self._began = position
        return self.rows > 0

    def problem(self, what: str) -> FeedError:
        """Say what is wrong with the product in hand."""
        return FeedError(
            f"product {self._done + self.rows + 1:,} of the feed {self._source} {what}; "
            "ask the supplier to correct the export"
        )


def blocks(records: XmlRecords, columns: Columns) -> Iterator[Block]:
    """Yield all records of a feed, each a product."""
    for _, element in records:
        columns.add(element)
        if columns.full(records.position):
            yield columns.block()
    if columns.rows:
        yield columns.block()


def ignore(_: Element, _text: str | None) -> None:
    """Leave an element out."""
