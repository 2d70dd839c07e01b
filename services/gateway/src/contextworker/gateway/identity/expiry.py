"""Ends what outlives its caller's token."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contextworker.core.tokens.errors import expired
from contextworker.gateway.errors import UnauthenticatedError
from contextworker.gateway.identity.caller import Caller


@asynccontextmanager
async def while_valid(caller: Caller) -> AsyncIterator[None]:
    """Run the block for as long as the caller's token is good.

    Raises:
        UnauthenticatedError: It has expired meanwhile.
    """
    left_s = None if caller.until is None else max(0.0, caller.until - time.time())
    try:
        async with asyncio.timeout(left_s) as expiry:
            yield
    except TimeoutError:
        if expiry.expired():
            refused = expired()
            raise UnauthenticatedError(refused.problem, str(refused)) from None
        raise
