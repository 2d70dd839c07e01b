"""Find out a text feed's encoding: by its mark, by being UTF-8 to the end, else by its letters."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from charset_normalizer import from_bytes

from contextworker.harvest.feeds.alphabets import likeliest

_CHUNK = 1024 * 1024
_SAMPLE = 64 * 1024
_LAST_RESORT = "latin-1"  # has a character for every byte
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the next one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_MOST_NULS = 0.5


def marked(head: bytes) -> str | None:
    """Return the encoding that the first bytes tell: by a byte order mark, or by their zeros."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) / 2 * _MOST_NULS and not even:
        return "utf-16-le"
    if even > len(head) / 2 * _MOST_NULS and not odd:
        return "utf-16-be"
    return None


def declared(head: bytes) -> str | None:
    """Return the encoding that an XML declaration names."""
    found = _DECLARED.match(head)
    if found is None:
        return None
    try:
        return codecs.lookup(found[1].decode()).name
    except LookupError:
        return None


def is_encoded(path: Path, encoding: str) -> bool:
    """Tell whether the whole file can be read in an encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def by_letters(path: Path) -> str:
    """Return the likeliest encoding of a text that is not UTF-8."""
    sample = _sample(path)
    guesses = likeliest(sample)
    if not guesses and (best := from_bytes(sample).best()) is not None:
        guesses = [best.encoding]
    return next((guess for guess in guesses if is_encoded(path, guess)), _LAST_RESORT)


def _sample(path: Path) -> bytes:
    """Return the lines that have more than ASCII in them, up to a size."""
    found = bytearray()
    for chunk in _chunks(path):
        if not chunk.isascii():
            lines = (line for line in chunk.splitlines(keepends=True) if not line.isascii())
            for line in lines:
                found += line
                if len(found) > _SAMPLE:
                    return bytes(found)
    return bytes(found)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
