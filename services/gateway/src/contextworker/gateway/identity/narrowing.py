"""Narrows a caller to the rights of somebody in whose name it calls.

A service that acts for others sends their rights along. They can only take away from what its own
token permits, so they need no proof, and anybody may send them.
"""

from collections.abc import Iterable
from dataclasses import replace

from pydantic import ValidationError

from contextcore import Violation
from contextworker.core.caller import METADATA_KEY, CallerRights
from contextworker.gateway.errors import InvalidRequestError, TenantDeniedError
from contextworker.gateway.identity.caller import Caller
from contextworker.gateway.identity.claims import is_subject
from contextworker.gateway.identity.permissions import with_implied

MAX_RIGHTS_BYTES = 8 * 1024
"""As large as a token, whose subject and permissions they may be."""

_SHOWN_CHARACTERS = 100  # of each of the two names that a narrowed subject is made of
_FIELD = f"metadata.{METADATA_KEY}"

Metadata = Iterable[tuple[str, str | bytes]]


def narrowed(caller: Caller, metadata: Metadata) -> Caller:
    """Return a caller with no more rights than the metadata of its call says; as it is without.

    Raises:
        InvalidRequestError: The metadata does not say rights.
        TenantDeniedError: It names a tenant that is not the caller's.
    """
    sent = [value for key, value in metadata if key == METADATA_KEY]
    return narrowed_to(caller, _read(sent)) if sent else caller


def narrowed_to(caller: Caller, rights: CallerRights) -> Caller:
    """Return a caller with what its rights and others have in common.

    Raises:
        TenantDeniedError: The rights are for a tenant that is not the caller's.
    """
    if not caller.sees(rights.tenant_id):
        raise TenantDeniedError(rights.tenant_id, by=METADATA_KEY)
    return replace(
        caller,
        subject=_subject(rights.subject, caller.subject),
        tenants=frozenset([rights.tenant_id]),
        permissions=_common(caller, rights),
    )


def _common(caller: Caller, rights: CallerRights) -> frozenset[str] | None:
    if rights.permissions is None:
        return caller.permissions
    theirs = with_implied(rights.permissions)
    return theirs if caller.permissions is None else caller.permissions & theirs


def _read(sent: list[str | bytes]) -> CallerRights:
    if len(sent) > 1:
        raise _refused("must be there once at most")
    [data] = sent
    if len(data) > MAX_RIGHTS_BYTES:
        raise _refused(f"must take at most {MAX_RIGHTS_BYTES:,} bytes, not {len(data):,}")
    try:
        rights = CallerRights.model_validate_json(data)
    except ValidationError as error:
        # Without the values: they are another's, and may be long.
        problems = (f"{_where(item['loc'])}: {item['msg']}" for item in error.errors())
        raise _refused(
            "must be the JSON of rights: subject, tenant_id and permissions "
            f"({'; '.join(problems)})"
        ) from None
    if not is_subject(rights.subject):
        raise _refused("must name a subject that can be printed")
    return rights


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "it"


def _refused(problem: str) -> InvalidRequestError:
    return InvalidRequestError([Violation(_FIELD, problem)])


def _subject(claimed: str, verified: str) -> str:
    """Name both; the verified one last, and once, however often the rights were handed on."""
    by = f" by {_clipped(verified)}"
    return f"{_clipped(claimed.removesuffix(by))}{by}"


def _clipped(name: str) -> str:
    return name if len(name) <= _SHOWN_CHARACTERS else f"{name[: _SHOWN_CHARACTERS - 1]}…"
