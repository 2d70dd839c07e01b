"""What is wrong with an XML feed, in sentences."""

from collections.abc import Collection
from typing import Any

from contextworker.harvest.errors import FeedError, FeedTruncatedError
from contextworker.harvest.messages import Feed, FeedFormat

_FORMATS = {
    "rss": FeedFormat.GOOGLE,
    "feed": FeedFormat.GOOGLE,
    "RDF": FeedFormat.GOOGLE,
    "yml_catalog": FeedFormat.YML,
    "BMECAT": FeedFormat.BMECAT,
}
# libxml2's numbers
_INVALID_CHARACTER = 9
_UNDECLARED_ENTITY = 26
_UNKNOWN_ENCODING = {31, 32}
_BAD_BYTES = {81, 1545}
_TOO_MUCH = {89, 114}
_UNDECLARED_PREFIX = 201


def syntax_error(error: Any, feed: Feed) -> FeedError:
    """Say where and why a feed is no XML that can be read."""
    return problem(error.position[0], error.code, str(error.msg).partition(", line ")[0], feed)


def problem(line: int, code: int, why: str, feed: Feed) -> FeedError:
    """Say what libxml2 found on a line."""
    where = f"the feed {feed.source} cannot be read: line {line:,}"
    if code in _UNKNOWN_ENCODING:
        return FeedError(
            f"the feed {feed.source} says that it is in an encoding that is not known ({why}); "
            "set the encoding of this source in the supplier file"
        )
    if code in _BAD_BYTES:
        return FeedError(
            f"{where} has bytes that are not of the feed's encoding; ask the supplier, or set the "
            'encoding of this source in the supplier file, for example encoding = "windows-1251"'
        )
    if code in _TOO_MUCH:
        return FeedError(f"{where} goes beyond what a list of products needs ({why})")
    hint = "ask the supplier to correct the export"
    if code == _INVALID_CHARACTER:
        hint = f"XML allows no such control character; {hint}"
    elif code == _UNDECLARED_ENTITY:
        hint = f"XML itself knows only &amp; &lt; &gt; &quot; and &apos;; {hint}"
    elif code == _UNDECLARED_PREFIX:
        hint = f"the prefix has to be declared with xmlns; {hint}"
    return FeedError(f"{where} is not well-formed XML ({why}); {hint}")


def truncated(feed: Feed, root: str, line: int) -> FeedTruncatedError:
    """Say that a feed ends too early."""
    return FeedTruncatedError(
        f"the feed {feed.source} is cut off: it ends on line {line:,} without </{root}>; "
        "fetch it again later, or ask the supplier for a complete export"
    )


def other_document(root: str, roots: Collection[str], feed: Feed) -> FeedError:
    """Say that a feed is another XML document than its format."""
    expected = " or ".join(f"<{name}>" for name in roots)
    known = _FORMATS.get(root)
    hint = "check the address and the format of this source"
    if root.lower() == "html":
        hint = (
            "it is a web page, often a login or error page; "
            "open the address in a browser and check the access"
        )
    elif known is not None:
        hint = f'set format = "{known}" for this source'
    return FeedError(
        f"the feed {feed.source} should be {feed.format.value} and begin with {expected}, "
        f"but it begins with <{root[:80]}>; {hint}"
    )


def entities_declared(feed: Feed) -> FeedError:
    """Refuse a feed that brings macros of its own."""
    return FeedError(
        f"the feed {feed.source} declares entities of its own in its DOCTYPE, which is how XML "
        "bombs are made; ask the supplier for an export without <!ENTITY …>"
    )


def too_much(feed: Feed, what: str) -> FeedError:
    """Refuse what no list of products has."""
    return FeedError(
        f"the feed {feed.source} {what}; it is no list of products, or a damaged one: "
        "ask the supplier for a new export"
    )
