"""Find out how a feed is written, as far as its supplier file does not say.

What the file holds counts first, then its name's ending, then the server's content type. What the
supplier file says always wins, unless it cannot be: then the feed is refused in one sentence.
"""

import codecs
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.contents import Contents, recognised
from contextworker.harvest.feeds.delimiter import cells_of, likeliest_delimiter
from contextworker.harvest.feeds.encoding import by_letters, declared, is_encoded, marked
from contextworker.harvest.messages import FeedFormat
from contextworker.harvest.suppliers import Source

_HEAD = 256 * 1024
_NAMES = {
    FeedFormat.CSV: "a CSV file",
    FeedFormat.TSV: "a TSV file",
    FeedFormat.JSON: "a JSON file",
    FeedFormat.JSONL: "a JSON Lines file",
    FeedFormat.XLSX: "an XLSX workbook",
    FeedFormat.XLS: "an old Excel workbook (.xls)",
    FeedFormat.ODS: "an ODS workbook",
    FeedFormat.PARQUET: "a Parquet file",
    FeedFormat.GOOGLE: "a Google Merchant feed (XML)",
    FeedFormat.GOOGLE_TSV: "a Google Merchant feed (TSV)",
    FeedFormat.YML: "a YML catalogue",
    FeedFormat.SHOPIFY: "a Shopify export",
    FeedFormat.BMECAT: "a BMEcat catalogue",
}
_TABLES = frozenset({FeedFormat.CSV, FeedFormat.TSV, FeedFormat.GOOGLE_TSV, FeedFormat.SHOPIFY})
_XML = frozenset({FeedFormat.GOOGLE, FeedFormat.YML, FeedFormat.BMECAT})
_JSON = frozenset({FeedFormat.JSON, FeedFormat.JSONL})
_TEXTS = _TABLES | _XML | _JSON
_OLD_WORKBOOK = (
    'is an old or a password-protected workbook; set format = "xls", or save it without a password'
)
_TAB_ENDINGS = frozenset({".tsv", ".tab"})
_TAB_TYPES = frozenset({"text/tab-separated-values"})
_SHOPIFY = ({"handle", "title", "variant sku"}, {"url handle", "title", "sku", "option1 name"})
_GOOGLE = frozenset({"id", "title", "link", "price", "availability"})


@dataclass(frozen=True, slots=True)
class Detected:
    """How a feed is written."""

    format: FeedFormat
    encoding: str
    delimiter: str | None = None
    """Of tables."""
    guesses: tuple[str, ...] = ()
    """What could only be guessed, in sentences for the run's report."""


def detect(path: Path, *, name: str, content_type: str, source: Source) -> Detected:
    """Find out how a fetched file is written.

    Args:
        path: The file, unpacked.
        name: Its own name, which may have an ending that tells.
        content_type: As the server says it; may be empty.
        source: What the supplier file says; it wins.

    Raises:
        FeedError: The file is empty, no feed, or not what the supplier file says.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    where = source.public_url
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise FeedError(f"the feed {where} is empty; ask the supplier for a new export")
    told = marked(head)
    contents = recognised(path, head, told or source.encoding)
    problem = contents.problem
    if source.format is not None:
        problem = _contradiction(contents, source.format, head)
    if not problem and source.encoding and told and not _agree(source.encoding, told):
        problem = f'is {told.upper()} text; set encoding = "{told}" for this source'
    if problem:
        expected = "" if source.format is None else f"should be {_NAMES[source.format]} but "
        raise FeedError(f"the feed {where} {expected}{problem}")
    found = source.format or contents.format
    if found is not None and found not in _TEXTS:
        return Detected(found, "utf-8")
    if found in _XML:
        return Detected(found, source.encoding or told or declared(head) or "utf-8")
    encoding, guesses = _encoding(path, source, told)
    if found in _JSON:
        return Detected(found, encoding, guesses=guesses)
    lines = _lines(head, encoding)
    delimiter = source.delimiter or _delimiter(lines, found, name, content_type)
    return Detected(found or _table(lines, delimiter), encoding, delimiter, guesses)


def _contradiction(contents: Contents, stated: FeedFormat, head: bytes) -> str | None:
    """Say what the file is where it cannot be of the format that the supplier file says."""
    found = contents.format
    # One JSON object on one line is either kind; the first of many lines may be torn.
    may_be = (
        found == stated
        or (found is None and stated in _TABLES)
        or (found is FeedFormat.JSONL and stated is FeedFormat.JSON)
        or (found is None and stated is FeedFormat.JSONL and b"{" in head)
    )
    if may_be and (contents.problem is None or found is not None):
        return None
    if contents.problem is not None:
        return contents.problem
    if found is None:
        if stated in _JSON:
            return "holds no JSON objects; check the format of this source"
        return 'is plain text; set format = "csv" if it is a table'
    if found is FeedFormat.XLS and stated in {FeedFormat.XLSX, FeedFormat.ODS}:
        return _OLD_WORKBOOK
    return f'is {_NAMES[found]}; set format = "{found}"'


def _agree(stated: str, told: str) -> bool:
    """Tell whether a byte order mark, or zeros, leave a stated encoding possible."""
    if told == "utf-8":
        return True  # the mark may as well be three letters
    return codecs.lookup(stated).name.startswith(told[:6])


def _encoding(path: Path, source: Source, told: str | None) -> tuple[str, tuple[str, ...]]:
    if source.encoding is not None:
        return source.encoding, ()
    if told is not None and told != "utf-8":
        return told, ()
    if is_encoded(path, "utf-8"):
        return "utf-8", ()
    guess = by_letters(path)
    sentence = (
        f"the feed {source.public_url} is not UTF-8; by its letters it was read as {guess}: "
        f'set encoding = "{guess}", or what the supplier says, for this source'
    )
    return guess, (sentence,)


def _lines(head: bytes, encoding: str) -> list[str]:
    """Return the first lines, the last one left out where it may be torn."""
    text = head.decode(encoding, errors="ignore").removeprefix("\ufeff")
    lines = StringIO(text, newline="").readlines()
    return lines[:-1] if len(head) == _HEAD and len(lines) > 1 else lines


def _delimiter(lines: list[str], stated: FeedFormat | None, name: str, content_type: str) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    says_tab = PurePosixPath(name).suffix.lower() in _TAB_ENDINGS or kind in _TAB_TYPES
    if stated is FeedFormat.TSV or (stated is None and says_tab and "\t" in "".join(lines[:1])):
        return "\t"
    return likeliest_delimiter(lines) or ","


def _table(lines: list[str], delimiter: str) -> FeedFormat:
    rows = cells_of(lines, delimiter)
    names = {cell.strip() for cell in rows[0]} if rows else set()
    if any(known <= {name.lower() for name in names} for known in _SHOPIFY):
        return FeedFormat.SHOPIFY
    if names >= _GOOGLE:
        return FeedFormat.GOOGLE_TSV
    return FeedFormat.TSV if delimiter == "\t" else FeedFormat.CSV
