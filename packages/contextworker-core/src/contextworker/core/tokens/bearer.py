"""Reads the value of `authorization`, in HTTP's headers and gRPC's metadata alike."""

from collections.abc import Sequence

_SCHEME = "bearer"


def bearer_token(sent: Sequence[str | bytes]) -> str | None:
    """Return the token of the one value that was sent; None where it is not `Bearer`, and one."""
    if len(sent) != 1 or not isinstance(sent[0], str):
        return None
    scheme, _, token = sent[0].partition(" ")
    return token.strip() or None if scheme.lower() == _SCHEME else None
