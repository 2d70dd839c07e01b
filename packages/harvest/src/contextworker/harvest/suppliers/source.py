"""`[[sources]]`: where a supplier's feeds are, and how they are written."""

import codecs
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, field_validator

from contextworker.harvest.messages import FeedFormat
from contextworker.harvest.suppliers.section import Section


def _text_encoding(name: str) -> str:
    try:
        codec = codecs.lookup(name)
        "".encode(name)
    except LookupError:
        raise ValueError(
            f"{name!r} is no known encoding; try utf-8, windows-1251 or windows-1252"
        ) from None
    return codec.name


class Source(Section):
    """One feed. A path without a scheme is relative to the supplier file's folder."""

    url: str = Field(min_length=1)
    format: FeedFormat | None = None
    encoding: Annotated[str, AfterValidator(_text_encoding)] = "utf-8"
    delimiter: str | None = Field(default=None, pattern=r'^[^"\r\n]$')
    sheet: str | None = None

    @field_validator("url")
    @classmethod
    def _understood(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"", "file", "http", "https"}:
            raise ValueError("a feed is a path or a file://, http:// or https:// address")
        if parts.scheme == "file" and parts.netloc not in {"", "localhost"}:
            raise ValueError("a file:// address has three slashes and an absolute path")
        if parts.scheme in {"http", "https"} and not _has_host(parts):
            raise ValueError(
                "the address has no proper host and port; in a user or password write / as %2F, "
                "? as %3F, # as %23 and @ as %40"
            )
        return url

    @property
    def is_remote(self) -> bool:
        """Whether a server has to be asked for it."""
        return urlsplit(self.url).scheme in {"http", "https"}

    @property
    def public_url(self) -> str:
        """The address without user, password and query, which may hold secrets."""
        if not self.is_remote:
            return self.url
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        query = "?…" if parts.query else ""
        return f"{parts.scheme}://{host}{parts.path}{query}"


def _has_host(parts: SplitResult) -> bool:
    try:
        return parts.hostname is not None and parts.port != 0
    except ValueError:  # it quotes what stands for the port: perhaps half a password
        return False
