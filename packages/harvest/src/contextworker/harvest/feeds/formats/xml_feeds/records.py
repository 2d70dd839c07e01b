"""XML feeds as streams of records: one pass, in flat memory, nothing fetched, nothing expanded.

The parser (lxml, that is libxml2) is told to load no DTD, to use no network and to expand no
entities, and keeps its own limits on depth and on the length of a text. What it does not limit is
limited here: what stands before the root, how large a record gets, how large and how deep what
stands around the records, and how many different names there are, since libxml2 forgets none.
"""

import random
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # it ships no types

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.formats.xml_feeds import errors
from contextworker.harvest.feeds.formats.xml_feeds.encodings import XmlBytes
from contextworker.harvest.feeds.formats.xml_feeds.text import Element, local_name
from contextworker.harvest.messages import Feed

_LONGEST_HEAD = 1024 * 1024
_LARGEST_RECORD = 4 * 1024 * 1024
_LARGEST_TOKEN = 8 * 1024 * 1024
_DEEPEST = 16
_MOST_NAMES = 5_000
_SAMPLED = 1 / 64
_TAG = re.compile(rb"<([A-Za-z_:\x80-\xff][^\s/<>]*)([^<>]*)")
_ATTRIBUTE = re.compile(rb"\s([^\s=<>\"']+)\s*=\s*[\"']")


class XmlRecords:
    """The records of an XML feed: elements of given names, wherever they stand, whole.

    A record inside another is part of that one. An element is valid until the next is asked for.
    """

    def __init__(
        self,
        path: Path,
        feed: Feed,
        *,
        roots: Collection[str],
        records: Collection[str],
        openings: Collection[str] = (),
        namespaces: Mapping[str, str] | None = None,
    ) -> None:
        """Look at the beginning of the feed.

        Args:
            path: The feed's local copy.
            feed: The feed.
            roots: Names of a root element, without namespace, that such a feed may have.
            records: Names of elements to yield when they end.
            openings: Names of elements to yield when they begin, with their attributes only.
            namespaces: Declared on the root, by prefix, where the feed does not do so.

        Raises:
            FeedError: It is another document, or declares entities.
        """
        self._feed = feed
        self._bytes = XmlBytes(path, feed, namespaces or {})
        self._records = frozenset(records)
        self._openings = frozenset(openings)
        self._tags = [f"{{*}}{name}" for name in (*records, *openings)]
        self._names: set[bytes] = set()
        self.position = 0
        """How many bytes have been parsed."""
        self.line = 1
        self._last: Element = None
        self._last_began = 0
        self.root = self._check_head(roots)
        """The root element's name, without namespace."""

    def __iter__(self) -> Iterator[tuple[str, Element]]:
        """Yield name, without namespace, and element, in the order of the feed.

        Raises:
            FeedTruncatedError: It ends before its root does.
            FeedError: It is not well-formed, or larger somewhere than a list of products can be.
        """
        parser = self._parser(("start", "end"), [*self._tags, f"{{*}}{self.root}"])
        root: Element = None
        record: Element = None
        closed: Element = None
        names: dict[str, str] = {}
        try:
            for chunk in self._chunks():
                parser.feed(chunk)
                self._check(parser)
                for event, element in parser.read_events():
                    tag = element.tag
                    name = names.get(tag) or names.setdefault(tag, local_name(tag))
                    if event == "end":
                        if element is record:
                            yield name, element
                            record, closed = None, element
                    elif root is None:
                        root = element
                    elif record is None and name in self._openings:
                        yield name, element
                    elif record is None and name in self._records:
                        record = element
                if root is not None:
                    self._limit(_forget(root, record, closed), record)
            self._close(parser)
        except etree.XMLSyntaxError as error:
            raise errors.syntax_error(error, self._feed) from error

    def _check(self, parser: Any) -> None:
        """Stop at an error that lxml only notes, to begin anew with the next bytes."""
        for entry in parser.feed_error_log:
            if entry.level == etree.ErrorLevels.FATAL:
                raise errors.problem(entry.line, entry.type, entry.message, self._feed)

    def _limit(self, last: Element | None, record: Element) -> None:
        """See that what is open stays small: neither a record nor anything around one grows on."""
        if last is None:
            raise self._too_much(f"is nested more than {_DEEPEST} levels deep around its products")
        if last is not self._last:
            self._last, self._last_began = last, self.position
        elif last is record and self.position - self._last_began > _LARGEST_RECORD:
            raise self._too_much(f"has a <{local_name(record.tag)}> of more than 4 MiB")
        elif self.position - self._last_began > _LARGEST_TOKEN:
            raise self._too_much("has a text, a tag or a comment of more than 8 MiB")

    def _check_head(self, roots: Collection[str]) -> str:
        """Return the root's name."""
        parser = self._parser(("start",), None)
        failed: Any = None
        length = 0
        for chunk in self._bytes:
            try:
                for start in range(0, len(chunk), 4096):
                    parser.feed(chunk[start : start + 4096])
            except etree.XMLSyntaxError as error:
                failed = error
            for _, element in parser.read_events():
                dtd = element.getroottree().docinfo.internalDTD
                if dtd is not None and any(True for _ in dtd.iterentities()):
                    raise errors.entities_declared(self._feed)
                name = local_name(element.tag)
                if name not in roots:
                    raise errors.other_document(name, roots, self._feed)
                return name
            length += len(chunk)
            if failed is not None:
                raise errors.syntax_error(failed, self._feed) from failed
            if length > _LONGEST_HEAD:
                raise errors.too_much(self._feed, "does not begin within 1 MiB")
        try:
            parser.close()
        except etree.XMLSyntaxError as error:
            failed = error
        raise FeedError(
            f"the feed {self._feed.source} is no XML document; check its address and the format "
            "of this source"
        ) from failed

    def _chunks(self) -> Iterator[bytes]:
        for chunk in self._bytes:
            self.position += len(chunk)
            self.line += chunk.count(b"\n")
            # At random, so that no feed can hide from it.
            if not self._names or random.random() < _SAMPLED:  # noqa: S311 - no secret
                self._count_names(chunk)
            yield chunk

    def _count_names(self, chunk: bytes) -> None:
        for name, attributes in set(_TAG.findall(chunk)):
            self._names.add(name)
            if b"=" in attributes:
                self._names.update(_ATTRIBUTE.findall(attributes))
        if len(self._names) > _MOST_NAMES:
            raise self._too_much(f"has more than {_MOST_NAMES:,} different names of elements")

    def _close(self, parser: Any) -> None:
        try:
            parser.close()
        except etree.XMLSyntaxError as error:
            if self._bytes.ends_with_tag(self.root):
                raise
            raise errors.truncated(self._feed, self.root, self.line) from error

    def _too_much(self, what: str) -> FeedError:
        return errors.too_much(self._feed, f"{what}, before line {self.line:,}")

    def _parser(self, events: tuple[str, ...], tags: list[str] | None) -> Any:
        return etree.XMLPullParser(
            events,
            tag=tags,
            encoding="utf-8",
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )


def _forget(root: Element, record: Element, closed: Element) -> Element | None:
    """Drop what has been parsed, except what is still open: of each element the last child.

    Returns the innermost element that is left, not looking into the record that is open nor into
    the one that was closed last; None where it lies too deep.
    """
    node = root
    for _ in range(_DEEPEST):
        if node is record or node is closed or not len(node):
            return node
        del node[:-1]
        node.text = None
        node = node[-1]
    return None
