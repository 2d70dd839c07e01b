"""Settings as they may be printed."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SerializerFunctionWrapHandler, model_serializer
from pydantic_settings import BaseSettings

from contextworker.core.logs.redaction import redacted_values


class PrintedRedacted(BaseSettings):
    """Settings whose texts are printed and dumped without what looks like a secret in them.

    What is a secret as a whole is a `SecretStr`; this is for the password in a URL.
    """

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show what the class shows."""
        for name, value in super().__repr_args__():
            yield name, redacted_values(value) if isinstance(value, str) else value

    @model_serializer(mode="wrap")
    def _dumped(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {
            name: redacted_values(value) if isinstance(value, str) else value
            for name, value in handler(self).items()
        }


def secrets_in(text: str) -> list[str]:
    """Return what of a secret setting must not be seen: of a URL its password, else every part."""
    if "://" not in text:
        return [text, *re.split("[,:]", text)]
    try:
        password = urlsplit(text).password or ""
    except ValueError:
        return [text]
    return [password, unquote(password)]
