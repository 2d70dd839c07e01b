"""Which scopes a caller needs for a run: those of the unit that started it."""

from temporalio.api.common.v1 import Memo
from temporalio.converter import DataConverter

from contextcore import SecurityScopes
from contextworker.core.errors import UnreadableError
from contextworker.gateway.temporal import UNREADABLE

MEMO_KEY = "contextworker.security"


async def memo_of(converter: DataConverter, scopes: SecurityScopes) -> Memo | None:
    """Note a unit's scopes; None where it has none."""
    if not scopes.read and not scopes.write:
        return None
    [payload] = await converter.encode([scopes])
    return Memo(fields={MEMO_KEY: payload})


async def scopes_of(converter: DataConverter, memo: Memo) -> SecurityScopes:
    """Read a run's scopes.

    Raises:
        UnreadableError: They are encrypted with a key that is missing here, or lie in a store that
            is: nobody may be let through until they can be read.
        RuntimeError: They are none.
    """
    if MEMO_KEY not in memo.fields:
        return SecurityScopes()
    try:
        [scopes] = await converter.decode([memo.fields[MEMO_KEY]], [SecurityScopes])
    except UnreadableError:
        raise
    except UNREADABLE as error:
        raise RuntimeError("a run's scopes cannot be read") from error
    return SecurityScopes.model_validate(scopes)
