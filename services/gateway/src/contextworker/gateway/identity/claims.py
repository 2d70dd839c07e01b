"""Reads a verified token's claims: whose it is, for which tenants, with which permissions."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from contextworker.core.messages import TenantId
from contextworker.gateway.errors import UnauthenticatedError
from contextworker.gateway.identity.caller import Caller
from contextworker.gateway.identity.permissions import ADMIN, with_implied

EVERY_TENANT = "*"
_TENANT: TypeAdapter[str] = TypeAdapter(TenantId)

Names = TypeVar("Names", bound=frozenset[str] | None)


def caller_of(claims: Mapping[str, Any], *, until: float) -> Caller:
    """Return the caller that claims describe.

    Args:
        claims: What the token says; its `sub` is a string.
        until: When the token ends.

    Raises:
        UnauthenticatedError: They name nobody, no tenant, or something that is none.
    """
    permissions = _permissions(claims)
    return Caller(
        subject=_subject(claims["sub"]),
        tenants=_one(_tenants(claims, may_have_all=ADMIN in permissions)),
        permissions=_one(permissions),
        until=until,
    )


def is_tenant(name: str) -> bool:
    """Tell whether a string may be a tenant's name."""
    try:
        _TENANT.validate_python(name)
    except ValidationError:
        return False
    return True


def is_subject(name: str) -> bool:
    """Tell whether a string may be who calls: it is written into messages and Temporal's notes."""
    return bool(name) and name.isprintable()


def _subject(name: str) -> str:
    if not is_subject(name):
        raise UnauthenticatedError(
            "malformed",
            "the token's claim `sub` is empty, or holds what cannot be printed; have its issuer "
            "write who calls",
        )
    return name


def _permissions(claims: Mapping[str, Any]) -> frozenset[str]:
    # `permissions` wins where both are there: issuers that write it use `scope` for other things.
    if "permissions" in claims:
        listed = _strings(claims["permissions"])
        if listed is None:
            raise UnauthenticatedError(
                "permissions",
                "the token's claim `permissions` is no list of strings; have its issuer write one, "
                f'such as ["{ADMIN}"]',
            )
        return with_implied(listed)
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise UnauthenticatedError(
            "permissions",
            "the token's claim `scope` is no string; have its issuer write one, with a space "
            "between two permissions",
        )
    return with_implied(scope.split())


def _tenants(claims: Mapping[str, Any], *, may_have_all: bool) -> frozenset[str] | None:
    listed = _strings(claims.get("tenants", []))
    if not listed:
        raise UnauthenticatedError(
            "tenants",
            "the token is for no tenant; have its issuer write the claim `tenants`, a list of "
            'their names such as ["acme"]',
        )
    if EVERY_TENANT in listed:
        if not may_have_all:
            raise UnauthenticatedError(
                "tenants",
                f"the token names every tenant ({EVERY_TENANT!r}) without the permission "
                f"{ADMIN!r}; have its issuer name the tenants, or give that permission",
            )
        return None
    if not all(is_tenant(name) for name in listed):
        raise UnauthenticatedError(
            "tenants",
            "the token names a tenant that cannot be one: 1 to 64 letters, digits, `_`, `.` or `-`,"
            " a letter or digit first",
        )
    return frozenset(listed)


@lru_cache(maxsize=1024)
def _one(names: Names) -> Names:
    """Return one set for all that are equal: thousands of tokens are remembered, most alike."""
    return names


def _strings(value: object) -> list[str] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return None
