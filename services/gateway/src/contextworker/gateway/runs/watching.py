"""Follows runs: what is told of one whenever it changes, until it has closed.

However many follow a run, it is read once: all of them share its feed.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

from contextworker.gateway.errors import GatewayStoppingError
from contextworker.gateway.runs.access import AskedRun, find_own
from contextworker.gateway.runs.feed import Feed, is_closed, what_matters
from contextworker.gateway.runs.state.status import StatusReader
from contextworker.gateway.temporal import Temporal


class Watches:
    """The runs that are followed at the moment."""

    def __init__(self, temporal: Temporal, statuses: StatusReader) -> None:
        self._temporal = temporal
        self._statuses = statuses
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._is_leaving = False

    @property
    def runs(self) -> int:
        """How many runs are read for somebody who follows them."""
        return len(self._feeds)

    async def watch(self, asked: AskedRun) -> AsyncGenerator[dict[str, Any], None]:
        """Yield how a run of the caller's stands: at once, at every change, and when it has closed.

        A run that continues as new is followed. Who is slow to take one state may miss some that
        come after it, but never the last.

        Raises:
            TenantDeniedError: The caller names a tenant that is not its own.
            RunNotFoundError: There is no such run, or it is another tenant's.
            ScopeMissingError: Its unit asks for scopes that the caller does not hold.
            TemporalUnavailableError: Temporal has not answered for a while.
            GatewayStoppingError: The gateway stops; another one can be asked.
        """
        self._refuse_while_leaving()
        described = await find_own(self._temporal, asked, to="read")
        status = await self._statuses.of(described)
        yield status
        if is_closed(status):
            return
        told, seen = what_matters(status), 0
        info = described.workflow_execution_info
        with self._feed(asked.workflow_id, info.first_run_id, status["run_id"]) as feed:
            while not is_closed(status):
                seen, status = await feed.after(seen)
                if what_matters(status) != told:
                    told = what_matters(status)
                    yield status

    def leave(self) -> None:
        """End every stream: the gateway stops."""
        self._is_leaving = True
        for feed in self._feeds.values():
            feed.end(GatewayStoppingError())

    @contextmanager
    def _feed(self, workflow_id: str, first_run_id: str, run_id: str) -> Iterator[Feed]:
        self._refuse_while_leaving()
        key = workflow_id, first_run_id
        feed = self._feeds.get(key)
        if feed is None or feed.has_ended:
            feed = Feed(self._temporal, self._statuses, workflow_id, run_id)
            self._feeds[key] = feed
        feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                feed.stop()
                if self._feeds.get(key) is feed:
                    del self._feeds[key]

    def _refuse_while_leaving(self) -> None:
        if self._is_leaving:
            raise GatewayStoppingError
