"""The headers that a source is asked with: plain values, and secrets by their variable's name."""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from contextworker.harvest.suppliers.section import Section

# What the fetcher says itself, or what would change where a request ends.
_RESERVED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def _header_name(name: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError(f"{name!r} is no name of a header")
    if name.lower() in _RESERVED:
        raise ValueError(f"{name} cannot be set: the harvest says it itself")
    return name


HeaderName = Annotated[str, AfterValidator(_header_name)]


class Header(Section):
    """A text that anyone may read, or `{ env = "ACME_TOKEN", prefix = "Bearer " }`."""

    value: str | None = Field(default=None, pattern=r"^[\x20-\x7e]*$")
    env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    prefix: str = Field(default="", pattern=r"^[\x20-\x7e]*$")

    @model_validator(mode="before")
    @classmethod
    def _text(cls, content: Any) -> Any:
        return {"value": content} if isinstance(content, str) else content

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.value is None) == (self.env is None):
            raise ValueError('is a text, or { env = "VARIABLE" } for one that is to stay secret')
        return self
