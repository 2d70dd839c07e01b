"""Recognise what a file is by its first bytes, whatever it is called."""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contextworker.harvest.messages import FeedFormat

_ZIP = b"PK\x03\x04"
_ARCHIVE = "is an archive inside an archive; ask the supplier for the file alone"
_PAGE = (
    "is a web page, often a login or error page; open the address in a browser and check the access"
)
_ROOT = re.compile(r"<(?![?!])(?:[\w.-]+:)?([\w.-]+)")
_NO_ROOT = re.compile(r"<\?.*?\?>|<!--.*?-->|<!DOCTYPE\b[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL)
_HTML = frozenset({"html", "head", "body"})
_ROOTS = {
    "yml_catalog": FeedFormat.YML,
    "bmecat": FeedFormat.BMECAT,
    "rss": FeedFormat.GOOGLE,
    "feed": FeedFormat.GOOGLE,
}
_GOOGLE = "base.google.com/"
_WEB_PAGE = re.compile(r"<!doctype\s+html|<(?:html|head|body)\b", re.IGNORECASE)
_JSON_LIST = re.compile(r"\[\s*(?:[{\]\[]|$)")
_JSON_OBJECT = re.compile(r"\{\s*(?:[\"}]|$)")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file turned out to be: a format, a table of some kind, or no feed at all."""

    format: FeedFormat | None = None
    problem: str | None = None
    """What it is instead of a feed, and what to do: the end of a sentence. Where there is a format
    nevertheless, it may be that one only if the supplier file says so."""


_MAGIC = {
    b"\xd0\xcf\x11\xe0": Contents(FeedFormat.XLS),
    b"PAR1": Contents(FeedFormat.PARQUET),
    b"%PDF": Contents(problem="is a PDF document; ask the supplier for a data export"),
    **dict.fromkeys(
        (b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!"),
        Contents(problem=_ARCHIVE),
    ),
}


def recognised(path: Path, head: bytes, encoding: str | None) -> Contents:
    """Recognise a file.

    Args:
        path: The file.
        head: Its first bytes.
        encoding: The one that the first bytes or the supplier file tell.
    """
    if head.startswith(_ZIP):
        return _archive(path)
    for magic, contents in _MAGIC.items():
        if head.startswith(magic):
            return contents
    if b"\0" in head and not (encoding or "").startswith(("utf-16", "utf-32")):
        return Contents(problem="is a binary file; ask the supplier for a text export")
    text = head.decode(encoding or "utf-8", errors="ignore").removeprefix("\ufeff").lstrip()
    if text.startswith("<"):
        return _markup(text)
    if _JSON_LIST.match(text):
        return Contents(FeedFormat.JSON)
    return Contents(_objects(text)) if _JSON_OBJECT.match(text) else Contents()


def _archive(path: Path) -> Contents:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        return Contents(problem="is a damaged archive; ask the supplier for a new export")
    if any(name.startswith("xl/") for name in names) or "[Content_Types].xml" in names:
        return Contents(FeedFormat.XLSX)
    if "content.xml" in names:
        return Contents(FeedFormat.ODS)
    return Contents(problem=_ARCHIVE)


def _markup(text: str) -> Contents:
    if _WEB_PAGE.match(text):
        return Contents(problem=_PAGE)
    root = _ROOT.search(_NO_ROOT.sub("", text))
    name = root[1].lower() if root else ""
    if name in _HTML:
        return Contents(problem=_PAGE)
    found = _ROOTS.get(name)
    if found is FeedFormat.GOOGLE and _GOOGLE not in text:
        return Contents(found, "is an RSS or Atom document without Google's product attributes")
    if found is not None:
        return Contents(found)
    called = f" with the root element <{root[1][:40]}>" if root else ""
    return Contents(
        problem=f"is an XML document{called}, which is neither Google Merchant's, YML nor BMEcat; "
        "ask the supplier for one of these, or for CSV"
    )


def _objects(text: str) -> FeedFormat:
    """Tell lines of objects from one object, which has them in a list."""
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        first = json.loads(lines[0])
    except (ValueError, RecursionError):
        is_torn = len(lines) > 1 and lines[1].lstrip().startswith("{") and lines[0].endswith("}")
        return FeedFormat.JSONL if is_torn else FeedFormat.JSON
    if len(lines) > 1 or not isinstance(first, dict):
        return FeedFormat.JSONL
    return FeedFormat.JSON if _wraps(first) else FeedFormat.JSONL


def _wraps(document: dict[str, Any]) -> bool:
    """Tell whether objects in objects lead to a list of objects."""
    inside = [document]
    while inside:
        for value in inside.pop().values():
            if isinstance(value, dict):
                inside.append(value)
            elif isinstance(value, list) and value and all(isinstance(i, dict) for i in value):
                return True
    return False
