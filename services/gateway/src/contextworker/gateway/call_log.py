"""What the gateway's records say of the call in hand."""

from typing import Final

from contextcore import context_unit_pb2
from contextworker.core.logs.context import set_log_fields
from contextworker.gateway.identity.caller import Caller
from contextworker.gateway.limits.attribution import share_of
from contextworker.gateway.limits.share import Owner

_MAX_CHARACTERS: Final = 64  # of ids that nobody has checked yet


def note_call(rpc: str, request: context_unit_pb2.ContextUnit, caller: Caller) -> None:
    """Have records of this call's task say which it is, and whose."""
    share = share_of(request, caller)
    fields: dict[str, object] = {
        "rpc": rpc,
        "unit_id": request.unit_id[:_MAX_CHARACTERS],
        "trace_id": request.trace_id[:_MAX_CHARACTERS],
    }
    if share.owner is Owner.TENANT:
        fields["tenant_id"] = share.name
    set_log_fields(fields)
