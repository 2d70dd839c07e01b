"""Tokens of further pages: opaque, and good only for the question they were given for."""

import base64
import binascii
import hashlib

from contextcore import Violation
from contextworker.gateway.errors import InvalidRequestError

_DIGEST_BYTES = 16


def write_token(temporal_token: bytes, query: str) -> str:
    """Bind Temporal's token to the query whose next page it leads to."""
    return base64.urlsafe_b64encode(_digest(query, temporal_token) + temporal_token).decode()


def read_token(token: str, query: str) -> bytes:
    """Return Temporal's token; empty for an empty one, which asks for the first page.

    Raises:
        InvalidRequestError: It is no token, or one of another query: so a tenant's token leads
            nobody else anywhere.
    """
    if not token:
        return b""
    try:
        data = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise broken_token() from None
    temporal_token = data[_DIGEST_BYTES:]
    if not temporal_token or data[:_DIGEST_BYTES] != _digest(query, temporal_token):
        raise broken_token()
    return temporal_token


def broken_token() -> InvalidRequestError:
    """Refuse a token."""
    return InvalidRequestError(
        [
            Violation(
                "payload.page_token",
                "is not a token of this list: repeat the request that gave it, with its "
                "next_page_token as page_token and nothing else changed",
            )
        ]
    )


def _digest(query: str, temporal_token: bytes) -> bytes:
    digest = hashlib.blake2b(query.encode(), digest_size=_DIGEST_BYTES)
    # Also of what it holds: Temporal takes a token that was cut for a fault of its own.
    digest.update(temporal_token)
    return digest.digest()
