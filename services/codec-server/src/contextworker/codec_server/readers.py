"""Who asks, and whose payloads they may read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contextworker.codec_server.refusals import RefusedError, UnauthenticatedError
from contextworker.core.messages import TenantId

DECODE = "payloads:decode"
ADMIN = "worker:admin"
EVERY_TENANT = "*"
_TENANTS: TypeAdapter[list[str]] = TypeAdapter(list[TenantId])


@dataclass(frozen=True)
class Reader:
    """Whoever sent a request, as their verified token says."""

    subject: str
    tenants: frozenset[str] | None = None
    """None: every tenant."""

    def may_read(self, tenant_id: str | None) -> bool:
        """Tell whether a tenant's payloads are theirs to read; None is a payload of no tenant."""
        return self.tenants is None or tenant_id in self.tenants


ANYBODY = Reader("anybody")
"""Whoever asks, where no authentication is configured."""


def reader_of(claims: Mapping[str, Any]) -> Reader:
    """Return the reader that a verified token's claims describe, by the gateway's rules for them.

    Raises:
        UnauthenticatedError: They name nobody or no tenant.
        RefusedError: They do not permit to decode.
    """
    subject = claims["sub"]
    if not subject or not subject.isprintable():
        raise UnauthenticatedError("malformed", "the token's claim `sub` does not say who asks")
    permissions = _permissions(claims)
    if DECODE not in permissions:
        raise RefusedError(
            403,
            f"the token does not hold the permission {DECODE!r}, which decrypting takes; have its "
            "issuer add it",
        )
    return Reader(subject, _tenants(claims, may_have_all=ADMIN in permissions))


def _permissions(claims: Mapping[str, Any]) -> frozenset[str]:
    if "permissions" not in claims:
        scope = claims.get("scope", "")
        return frozenset(scope.split()) if isinstance(scope, str) else frozenset()
    listed = claims["permissions"]
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise UnauthenticatedError(
            "permissions",
            "the token's claim `permissions` is no list of strings; have its issuer write one, "
            f'such as ["{DECODE}"]',
        )
    return frozenset(listed)


def _tenants(claims: Mapping[str, Any], *, may_have_all: bool) -> frozenset[str] | None:
    listed = claims.get("tenants")
    if isinstance(listed, list) and EVERY_TENANT in listed:
        if may_have_all:
            return None
        raise UnauthenticatedError(
            "tenants",
            f"the token names every tenant ({EVERY_TENANT!r}) without the permission {ADMIN!r}; "
            "have its issuer name the tenants, or give that permission",
        )
    try:
        tenants = frozenset(_TENANTS.validate_python(listed, strict=True))
    except ValidationError:
        tenants = frozenset()
    if not tenants:
        raise UnauthenticatedError(
            "tenants",
            "the token is for no tenant; have its issuer write the claim `tenants`, a list of "
            'their names such as ["acme"]',
        )
    return tenants
