"""Recognise a feed that is not what its supplier file says, before any of it is read as rows."""

import codecs
from pathlib import Path

from contextworker.harvest.errors import FeedError
from contextworker.harvest.messages import FeedFormat

_HEAD = 4096
_NAMES = {
    FeedFormat.CSV: "a CSV file",
    FeedFormat.TSV: "a TSV file",
    FeedFormat.JSONL: "a JSON Lines file",
    FeedFormat.XLSX: "an XLSX workbook",
}
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_MAGIC = {
    _ZIP: "is a ZIP archive; unpack it and offer the file inside",
    b"\x1f\x8b": "is a gzip archive; unpack it and offer the file inside",
    _OLE: "is an old Excel workbook; save it as CSV or .xlsx",
    b"%PDF": "is a PDF document; ask the supplier for a data export",
}
_UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def check_feed(path: Path, *, source: str, feed_format: FeedFormat, encoding: str) -> None:
    """Refuse a file that cannot be a feed of this format.

    Raises:
        FeedError: It is empty or something else; the sentence says what it is and what to do.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip():
        raise FeedError(f"the feed {source} is empty; ask the supplier for a new export")
    if feed_format is FeedFormat.XLSX:
        problem = _not_a_workbook(head)
    else:
        problem = _not_a_text(head, encoding) or _other_text(head, feed_format)
    if problem:
        raise FeedError(f"the feed {source} should be {_NAMES[feed_format]} but {problem}")


def _not_a_workbook(head: bytes) -> str | None:
    if head.startswith(_ZIP):
        return None
    if head.startswith(_OLE):
        return "is an old .xls or a password-protected workbook; save it as plain .xlsx"
    return _web_page(head) or 'is no workbook; set format = "csv" if it is text'


def _not_a_text(head: bytes, encoding: str) -> str | None:
    if head.startswith(_ZIP) and (b"xl/" in head or b"[Content_Types].xml" in head):
        return 'is an Excel workbook; set format = "xlsx"'
    for magic, problem in _MAGIC.items():
        if head.startswith(magic):
            return problem
    if b"\0" in head and not encoding.startswith(("utf-16", "utf-32")):
        if head.startswith(_UTF16_BOMS):
            return 'is UTF-16 text; set encoding = "utf-16" for this source'
        return "is a binary file; ask the supplier for a text export"
    return None


def _other_text(head: bytes, feed_format: FeedFormat) -> str | None:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if page := _web_page(head):
        return page
    if start.startswith(b"<?xml"):
        return "is an XML document, which is not supported; ask the supplier for CSV"
    if feed_format is FeedFormat.JSONL:
        if start.startswith(b"["):
            return "is one JSON list; ask for JSON Lines, one object on each line"
        if not start.startswith(b"{") and b"{" not in head:
            return "holds no JSON objects; check the format of this source"
    elif start.startswith((b"{", b"[{")):
        return 'is JSON; set format = "jsonl" if each line is one object'
    return None


def _web_page(head: bytes) -> str | None:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return (
            "is a web page, often a login or error page; "
            "open the address in a browser and check the access"
        )
    return None
