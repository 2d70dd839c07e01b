"""Makes a token that a gateway lets in."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from contextworker.cli.errors import UsageError
from contextworker.cli.tokens.keys import SigningKey
from contextworker.core.tokens.verifier import MAX_LIFETIME_S, MAX_TOKEN_BYTES
from contextworker.gateway.identity.claims import EVERY_TENANT, is_subject, is_tenant
from contextworker.gateway.identity.permissions import ADMIN, WORKER_PERMISSIONS

_OURS = "worker:"


@dataclass(frozen=True)
class Minted:
    """A token, and what it says."""

    token: str
    algorithm: str
    claims: dict[str, Any]
    expires_at: datetime

    def dump(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "token": self.token,
            "algorithm": self.algorithm,
            "expires_at": self.expires_at.isoformat(),
            "claims": self.claims,
        }


def mint(
    key: SigningKey,
    *,
    subject: str,
    tenants: Sequence[str],
    permissions: Sequence[str],
    lifetime: timedelta,
    issuer: str = "",
    audience: str = "",
) -> Minted:
    """Make a token; the gateway's own rules for it are checked first.

    Raises:
        UsageError: No gateway would let it in.
    """
    _check(subject, tenants, permissions, lifetime)
    now = datetime.now(UTC).replace(microsecond=0)
    expires_at = now + lifetime
    claims = {
        "sub": subject,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": secrets.token_urlsafe(12),
        "tenants": list(dict.fromkeys(tenants)),
        "permissions": list(dict.fromkeys(permissions)),
        **({"iss": issuer} if issuer else {}),
        **({"aud": audience} if audience else {}),
    }
    headers = {"kid": key.kid} if key.kid else None
    token = jwt.encode(claims, key.material, key.algorithm, headers)
    if len(token) > MAX_TOKEN_BYTES:
        raise UsageError(
            f"The token would be larger than the {MAX_TOKEN_BYTES:,} bytes that a gateway takes: "
            "name fewer tenants or permissions."
        )
    return Minted(token, key.algorithm, claims, expires_at)


def _check(
    subject: str, tenants: Sequence[str], permissions: Sequence[str], lifetime: timedelta
) -> None:
    if not is_subject(subject):
        raise UsageError(f"--subject {subject!r} is empty, or holds what cannot be printed.")
    for name in tenants:
        if name != EVERY_TENANT and not is_tenant(name):
            raise UsageError(
                f"--tenant {name!r} cannot be a tenant: 1 to 64 letters, digits, `_`, `.` or `-`, "
                "a letter or digit first."
            )
    if EVERY_TENANT in tenants and ADMIN not in permissions:
        raise UsageError(f"--tenant '*' is every tenant, which takes --permission {ADMIN}.")
    for name in permissions:
        if not name or any(character.isspace() for character in name):
            raise UsageError(f"--permission {name!r} is no permission: one word each.")
        if name.startswith(_OURS) and name not in WORKER_PERMISSIONS:
            known = ", ".join(sorted(WORKER_PERMISSIONS))
            raise UsageError(f"--permission {name} is not one of {known}.")
    if lifetime.total_seconds() > MAX_LIFETIME_S:
        raise UsageError("--expires-in is more than a year, which no gateway takes: write less.")
