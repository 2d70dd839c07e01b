"""What a web server's answer says of itself."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import PurePosixPath
from urllib.parse import unquote

import httpx

from contextworker.harvest.errors import FeedError, FeedUnavailableError

_REFUSED = {
    HTTPStatus.UNAUTHORIZED: "asks for a login; check the access in the supplier file",
    HTTPStatus.FORBIDDEN: "refuses access; ask the supplier to allow it",
    HTTPStatus.NOT_FOUND: "is not there; ask the supplier for the feed's address",
    HTTPStatus.GONE: "is gone; ask the supplier for the feed's new address",
}
_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_UNPACKED_LATER = {"", "identity", "gzip", "x-gzip", "zstd"}
_PART = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})")
_MAX_SENDABLE = 1000
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, its bytes aside."""

    name: str
    content_type: str
    is_encoded: bool
    """The bytes are packed for the way, whatever the file is."""
    etag: str | None
    last_modified: str | None

    @property
    def validator(self) -> str | None:
        """What `If-Range` may say: a weak etag promises no equal bytes."""
        if self.etag is not None and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified


def read_answer(response: httpx.Response, *, asked: httpx.URL, where: str) -> Answer:
    """Read the headers of a whole answer.

    Raises:
        FeedError: It is packed in a way that nobody asked for.
    """
    headers = response.headers
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in _UNPACKED_LATER:
        raise FeedError(
            f"the server of {where} sends the content encoding {encoding[:_SHOWN]!r}, which it "
            "was asked not to; ask the supplier to serve the plain file, or gzip"
        )
    return Answer(
        name=_name(headers.get("content-disposition", ""), asked, response.url),
        content_type=headers.get("content-type", ""),
        is_encoded=encoding not in {"", "identity"},
        etag=_sendable(headers.get("etag")),
        last_modified=_sendable(headers.get("last-modified")),
    )


def check_status(response: httpx.Response, where: str, *, max_retry_after_s: float) -> None:
    """Return where the answer is a feed.

    Raises:
        FeedError: The server will answer the same again.
        FeedUnavailableError: Later may be better; the server may say when.
    """
    status = response.status_code
    if status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
        after = _retry_after(response.headers.get("retry-after", ""))
        if after is None:
            raise FeedUnavailableError(f"the server of {where} answers with HTTP {status}")
        raise FeedUnavailableError(
            f"the server of {where} answers with HTTP {status} and wants to be asked again in "
            f"{after:,.0f} seconds",
            retry_after_s=min(after, max_retry_after_s),
        )
    meaning = next((text for code, text in _REFUSED.items() if code == status), None)
    problem = meaning or "is refused; check the url in the supplier file"
    raise FeedError(f"the feed {where} {problem} (HTTP {status})")


def total_bytes(response: httpx.Response) -> int | None:
    """Return how many bytes the whole file has, where the answer says it."""
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        part = _part(response)
        return part[1] if part else None
    length = response.headers.get("content-length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


def continues(response: httpx.Response, start: int, total: int | None, before: Answer) -> bool:
    """Tell whether a partial answer is the rest of the file that another one began."""
    part = _part(response)
    return (
        part is not None
        and part[0] == start
        and total in {None, part[1]}
        and response.headers.get("etag") in {None, before.etag}
    )


def _part(response: httpx.Response) -> tuple[int, int] | None:
    """Return where a part begins, and how many bytes the whole has; None where either is untold."""
    said = _PART.fullmatch(response.headers.get("content-range", ""))
    return (int(said[1]), int(said[2])) if said else None


def _sendable(value: str | None) -> str | None:
    """Return what can be said back to the server the next time, and be kept until then."""
    fits = value and len(value) <= _MAX_SENDABLE and value.isascii() and value.isprintable()
    return value if fits else None


def _retry_after(text: str) -> float | None:
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (zoned - datetime.now(UTC)).total_seconds())


def _name(disposition: str, *urls: httpx.URL) -> str:
    """Return the file's name: what the server calls it, else an address with an ending."""
    names = [_said_name(disposition), *(unquote(url.path) for url in urls)]
    names = [PurePosixPath(name.replace("\\", "/")).name for name in names]
    with_ending = [name for name in names if PurePosixPath(name).suffix]
    return next(iter(with_ending or filter(None, names)), "")


def _said_name(disposition: str) -> str:
    message = Message()
    message["content-disposition"] = disposition
    try:
        return message.get_filename() or ""
    except (LookupError, TypeError, ValueError):  # what it makes of odd ones
        return ""
