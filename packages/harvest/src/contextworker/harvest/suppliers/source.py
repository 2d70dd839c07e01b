"""`[[sources]]`: where a supplier's feeds are, and how they are written."""

import codecs
import re
from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from contextworker.harvest.messages import FeedFormat
from contextworker.harvest.suppliers.header import Header, HeaderName
from contextworker.harvest.suppliers.section import Section

_WEB = frozenset({"http", "https"})
_CLOUD = frozenset({"s3", "gs", "az"})


def _host_name(text: str) -> str:
    name = text.strip("[]").lower().rstrip(".")
    if not name or not re.fullmatch(r"[^\s/@#?\[\]*]+", name) or (":" in name and not _is_ip(name)):
        raise ValueError(f"{text!r} is no host; write its name or address alone, without a port")
    return name


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


HostName = Annotated[str, AfterValidator(_host_name)]


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
    encoding: Annotated[str, AfterValidator(_text_encoding)] | None = None
    delimiter: str | None = Field(default=None, pattern=r'^[^"\r\n]$')
    sheet: str | None = None
    items: str | None = Field(default=None, min_length=1, max_length=1000)
    """JSON: where the list of products is, such as `data.items`."""
    member: str | None = Field(default=None, min_length=1, max_length=1000)
    """Which file of a ZIP archive: its name, or a pattern such as `*.csv`."""
    headers: dict[HeaderName, Header] = Field(default_factory=dict)
    """Sent to the host of the url only, never to where it redirects."""
    allow_hosts: tuple[HostName, ...] = ()
    """Hosts that may be at addresses which are not public."""
    mode: Literal["full", "partial"] = "full"
    """Whether what the feed lacks is gone."""

    @field_validator("url")
    @classmethod
    def _understood(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"", "file", *_WEB, *_CLOUD}:
            raise ValueError(
                "a feed is a path or a file://, http://, https://, s3://, gs:// or az:// address"
            )
        if parts.scheme == "file" and parts.netloc not in {"", "localhost"}:
            raise ValueError("a file:// address has three slashes and an absolute path")
        if parts.scheme in _CLOUD and not _is_object(parts):
            raise ValueError(
                f"an object's address is {parts.scheme}://BUCKET/KEY; credentials come from the "
                "environment of the worker"
            )
        if parts.scheme in _WEB and not _has_host(parts):
            raise ValueError(
                "the address has no proper host and port; in a user or password write / as %2F, "
                "? as %3F, # as %23 and @ as %40"
            )
        return url

    @model_validator(mode="after")
    def _headers_need_a_server(self) -> Self:
        for key in ("headers", "allow_hosts"):
            if getattr(self, key) and not self.is_web:
                raise ValueError(f"{key} are for http:// and https:// addresses only")
        return self

    @property
    def is_web(self) -> bool:
        """Whether a web server has it."""
        return urlsplit(self.url).scheme in _WEB

    @property
    def is_cloud(self) -> bool:
        """Whether it is an object of a cloud's store."""
        return urlsplit(self.url).scheme in _CLOUD

    @property
    def is_remote(self) -> bool:
        """Whether a server has to be asked for it."""
        return self.is_web or self.is_cloud

    @property
    def host(self) -> str:
        """Its scheme with its host or bucket, without anything that may hold secrets."""
        parts = urlsplit(self.url)
        if self.is_web:
            return f"{parts.scheme} {parts.hostname}"
        return f"{parts.scheme} {parts.netloc}" if self.is_cloud else "file"

    @property
    def public_url(self) -> str:
        """The address without user, password and query, which may hold secrets."""
        if not self.is_web:
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


def _is_object(parts: SplitResult) -> bool:
    plain = not parts.query and not parts.fragment
    bucket = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", parts.netloc)
    return plain and bucket is not None and len(parts.path.strip("/")) > 0
