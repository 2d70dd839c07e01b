"""The rights of whoever starts a run, noted for a workflow that acts in their name."""

from temporalio.api.common.v1 import Memo
from temporalio.converter import DataConverter

from contextworker.core.caller import MEMO_KEY, CallerRights
from contextworker.gateway.identity.caller import Caller


def rights_of(caller: Caller, tenant_id: str) -> CallerRights:
    """Say what a caller may do for one of its tenants."""
    permissions = None if caller.permissions is None else tuple(sorted(caller.permissions))
    return CallerRights(subject=caller.subject, tenant_id=tenant_id, permissions=permissions)


async def noted(converter: DataConverter, memo: Memo | None, rights: CallerRights) -> Memo:
    """Return a run's memo with rights besides."""
    [payload] = await converter.encode([rights])
    whole = Memo(fields={MEMO_KEY: payload})
    if memo is not None:
        whole.MergeFrom(memo)
    return whole
