"""Tells whose share of a gateway a call uses."""

from contextcore import context_unit_pb2
from contextworker.gateway.identity.caller import Caller
from contextworker.gateway.limits.share import Owner, Share

# As long as a tenant's id may be: longer ones would only fill the memory that counts are kept in.
_MAX_CHARACTERS = 64


def share_of(request: context_unit_pb2.ContextUnit, caller: Caller) -> Share:
    """Return the share of the caller's only tenant, of the one the payload names, or its own.

    The payload is not checked yet: one that names a tenant which the caller does not see must not
    use up that tenant's share.
    """
    if caller.tenants is not None and len(caller.tenants) == 1:
        [tenant_id] = caller.tenants
        return Share(Owner.TENANT, tenant_id)
    named = request.payload.fields.get("tenant_id")
    tenant_id = "" if named is None else named.string_value  # empty for what is no string
    if 0 < len(tenant_id) <= _MAX_CHARACTERS and caller.sees(tenant_id):
        return Share(Owner.TENANT, tenant_id)
    return Share(Owner.CALLER, caller.subject)
