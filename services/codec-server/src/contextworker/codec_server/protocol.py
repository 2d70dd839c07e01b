"""HTTP/1.1 as uvicorn speaks it, for clients that must come to the point."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WITHIN_S = 10.0


class PromptProtocol(H11Protocol):
    """Ends a connection whose first request does not have its headers in time.

    uvicorn bounds the pause between two requests and nothing before the first, so that whoever says
    little and slowly would keep a connection for ever.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADERS_WITHIN_S, self._end_if_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _end_if_idle(self) -> None:
        if self.cycle is None:
            self.transport.close()
