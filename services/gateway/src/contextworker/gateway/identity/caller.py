"""The caller of the call in hand: its tenants, its permissions."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from contextcore import Violation
from contextworker.core.messages import DEFAULT_TENANT
from contextworker.gateway.errors import InvalidRequestError, TenantDeniedError


@dataclass(frozen=True)
class Caller:
    """Whoever sent a call, as its verified token says."""

    subject: str
    tenants: frozenset[str] | None = None
    """None: every tenant."""

    permissions: frozenset[str] | None = None
    """None: every permission and scope."""

    until: float | None = None
    """When its token ends, by the clock; None: never."""

    def sees(self, tenant_id: str | None) -> bool:
        """Tell whether a tenant's data is the caller's to see; None is data of no tenant."""
        return self.tenants is None or tenant_id in self.tenants

    def lacks(self, scopes: Iterable[str]) -> list[str]:
        """Return which of some permissions or scopes the caller does not hold, sorted."""
        return [] if self.permissions is None else sorted(set(scopes) - self.permissions)

    def tenant_for(self, payload: Mapping[str, Any]) -> str:
        """Return the tenant that a payload is about; its `tenant_id` must have been checked.

        Raises:
            TenantDeniedError: It names a tenant that is not the caller's.
            InvalidRequestError: It names none, and the caller has several.
        """
        named: str | None = payload.get("tenant_id")
        if named is not None:
            if not self.sees(named):
                raise TenantDeniedError(named)
            return named
        if self.tenants is None:
            return DEFAULT_TENANT
        if len(self.tenants) == 1:
            return next(iter(self.tenants))
        known = ", ".join(sorted(self.tenants))
        raise InvalidRequestError(
            [Violation("payload.tenant_id", f"is required: your token is for {known}")]
        )


ANONYMOUS = Caller("anonymous")
"""Everybody, where no authentication is configured."""

# Without a default: code that the interceptor does not reach must not run as everybody.
_current: ContextVar[Caller] = ContextVar("contextworker_gateway_caller")


def current_caller() -> Caller:
    """Return who made the call in hand."""
    return _current.get()


@contextmanager
def use_caller(caller: Caller) -> Iterator[None]:
    """Serve a caller inside the block."""
    token = _current.set(caller)
    try:
        yield
    finally:
        _current.reset(token)
