"""The bytes of an XML feed as the parser is given them."""

import codecs
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from contextworker.harvest.errors import FeedError
from contextworker.harvest.messages import Feed

CHUNK = 128 * 1024
# The longer ones first: a UTF-32 mark begins like a UTF-16 one.
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_ROOT = re.compile(rb"<(?![?!])[^\s/>]+")


class XmlBytes:
    """A feed's bytes as UTF-8, whatever encoding its XML declaration names.

    That declaration has been read where the feed's encoding was found out; the supplier file may
    have said otherwise.
    """

    def __init__(self, path: Path, feed: Feed, namespaces: Mapping[str, str]) -> None:
        self._path = path
        self._feed = feed
        self._namespaces = namespaces
        with path.open("rb") as file:
            head = file.read(4)
        wide = next((name for mark, name in _WIDE if head.startswith(mark)), None)
        said = codecs.lookup(feed.encoding).name
        if said.startswith(("utf-8", "utf-16", "utf-32")):
            # Some write utf-16 into the declaration of what they then save as UTF-8.
            self._decoded_from = wide
        else:
            self._decoded_from = said

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes from start to end.

        Raises:
            FeedError: They are not of the encoding.
        """
        first = True
        with self._path.open("rb") as file:
            chunks = iter(lambda: file.read(CHUNK), b"")
            for chunk in self._decoded(chunks) if self._decoded_from else chunks:
                if first:
                    yield self._declared(chunk.removeprefix(codecs.BOM_UTF8).lstrip())
                    first = False
                else:
                    yield chunk

    def ends_with_tag(self, name: str) -> bool:
        """Whether the end of the file closes an element of this name."""
        with self._path.open("rb") as file:
            file.seek(max(0, self._path.stat().st_size - 4096))
            tail = file.read().replace(b"\0", b"")
        return re.search(rb"</([^\s>]+:)?" + re.escape(name.encode()) + rb"\s*>", tail) is not None

    def _declared(self, chunk: bytes) -> bytes:
        """Declare namespaces on the root, whose prefixes many feeds use without doing so."""
        if not (root := _ROOT.search(chunk)):
            return chunk
        end = root.end()
        tag = chunk[end : chunk.find(b">", end)]
        missing = [
            f' {name}="{uri}"'.encode()
            for prefix, uri in self._namespaces.items()
            if (name := f"xmlns:{prefix}").encode() not in tag
        ]
        return b"".join((chunk[:end], *missing, chunk[end:]))

    def _decoded(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(str(self._decoded_from))()
        line = 1
        try:
            for chunk in chunks:
                text = decoder.decode(chunk).removeprefix("\ufeff").encode()
                line += text.count(b"\n")
                if text:
                    yield text
            decoder.decode(b"", final=True)
        except UnicodeError as error:
            raise not_of_the_encoding(self._feed, str(self._decoded_from), line) from error


def not_of_the_encoding(feed: Feed, encoding: str, line: int) -> FeedError:
    """Say that bytes of a feed are not of the encoding they should be of."""
    return FeedError(
        f"the feed {feed.source} is not {encoding} text: bytes near line {line:,} cannot be read; "
        "ask the supplier, or set the encoding of this source in the supplier file, for example "
        'encoding = "windows-1251" (Cyrillic) or "windows-1252" (Western European)'
    )
