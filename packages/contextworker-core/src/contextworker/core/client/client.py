"""The sync client."""

import copy
from collections.abc import Generator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel

from contextcore import ContextUnit
from contextworker.core.caller import CallerRights
from contextworker.core.client.endpoint import DEFAULT_ADDRESS, TLS
from contextworker.core.client.execution import Execution
from contextworker.core.client.following import follow
from contextworker.core.client.outcome import result_of
from contextworker.core.client.replies import (
    Cancelled,
    ModuleInfo,
    TaskStatus,
    TaskSummary,
)
from contextworker.core.client.requests import as_text
from contextworker.core.client.retrying import Budget
from contextworker.core.client.schedules import Schedules
from contextworker.core.client.settings import ClientSettings
from contextworker.core.client.setup import ATTEMPT_TIMEOUT_S, TIMEOUT_S, Setup, on_behalf_of
from contextworker.core.client.task import Task
from contextworker.core.client.transport import Token, Transport
from contextworker.core.client.watching import OnInterruption


class WorkerClient:
    """Calls a gateway. Share one between threads; each process needs its own.

    The connection is made at the first call. A call that fails in passing is made again with the
    same unit, so a start stays one start. Used as a context manager, the client is closed at the
    end.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        token: Token | None = None,
        tls: TLS | bool = False,
        insecure: bool = False,
        service: str = "client",
        timeout: float = TIMEOUT_S,
        attempt_timeout: float = ATTEMPT_TIMEOUT_S,
        attempts: int | None = None,
    ) -> None:
        """Check what it is made with; nothing is sent yet.

        Args:
            address: `host:port`, or `unix:PATH`.
            token: The bearer token, or what returns a fresh one: asked before each attempt.
            tls: True for the system's authorities; TLS(…) names files.
            insecure: Send the token in the clear although the gateway is on another machine.
            service: The caller's name in each unit's provenance: `commerce` or `commerce:orders`.
            timeout: Seconds that a call may take, with all its attempts.
            attempt_timeout: Seconds that one attempt may take.
            attempts: How often a call is made at most; as often as its time allows when left out.

        Raises:
            ConfigurationError: One of these cannot be, or a token would travel in the clear.
        """
        self._setup = Setup.of(
            address,
            token=token,
            tls=tls,
            insecure=insecure,
            service=service,
            timeout=timeout,
            attempt_timeout=attempt_timeout,
            attempts=attempts,
        )
        self._transport = Transport(self._setup, token)
        self._requests = self._setup.requests
        self.schedules = Schedules(self._transport, self._requests)

    @classmethod
    def from_environment(
        cls, *, service: str = "client", timeout: float = TIMEOUT_S, insecure: bool = False
    ) -> Self:
        """Make a client as WORKER_ADDRESS, WORKER_TOKEN and WORKER_TLS… say.

        Raises:
            ConfigurationError: One of them cannot be.
        """
        settings = ClientSettings()
        return cls(
            settings.address,
            token=settings.bearer,
            tls=settings.security,
            insecure=insecure or settings.insecure,
            service=service,
            timeout=timeout,
        )

    @property
    def address(self) -> str:
        """Where the gateway is."""
        return self._setup.endpoint.address

    def on_behalf_of(self, rights: CallerRights) -> Self:
        """Return a view whose calls are made with somebody's rights, narrower than this client's.

        The gateway lets them do what both may: they never gain by it. The view shares the
        connection: closing either closes it for both.

        Args:
            rights: As the gateway noted them with a run, by `contextworker.core.caller`.
        """
        view = copy.copy(self)
        view._transport = self._transport.carrying(on_behalf_of(rights))  # noqa: SLF001 - its own
        view.schedules = Schedules(view._transport, self._requests)  # noqa: SLF001 - its own
        return view

    def start(
        self,
        what: str | ContextUnit,
        payload: Mapping[str, Any] | BaseModel | None = None,
        /,
        *,
        parent: ContextUnit | None = None,
        provenance: str | None = None,
        timeout: float | None = None,
        **fields: Any,
    ) -> Task:
        """Start a task, exactly once however often the call has to be made.

        Args:
            what: The workflow type; or a unit, which is sent as it is. Its `unit_id` is the key:
                the same unit again, even days later, is the same task.
            payload: The task's fields, for those that are named as an argument here.
            parent: The unit that this start follows from: trace, scopes and provenance carry on.
            provenance: The label to add; `<service>:start_workflow` when left out.
            timeout: Seconds, in place of the client's.
            fields: The task's fields.

        Raises:
            ClientError: See `contextworker.core.client.errors`.
        """
        call = self._requests.start(what, payload, fields, parent=parent, provenance=provenance)
        return Task(self, self._transport.call(call, timeout), call.unit)

    def execute(
        self,
        code: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        code_timeout: float | None = None,
        language: str | None = None,
        tenant_id: str | None = None,
        parent: ContextUnit | None = None,
        timeout: float | None = None,
        wait: bool = True,
    ) -> Execution:
        """Run a program, exactly once however often the call has to be made, and wait for its end.

        Args:
            code: The program.
            inputs: Variables that it finds set, by name.
            code_timeout: Seconds that it may compute, waiting for tools aside; as many as the
                platform allows when left out, and never more.
            language: What it is written in; Python when left out.
            tenant_id: Whose data it is about, where your token is for several tenants.
            parent: The unit that this follows from: trace, scopes and provenance carry on.
            timeout: Seconds to wait for its end at most; as long as it takes when left out.
            wait: False to return what the first reply says, perhaps that it is still running. The
                gateway holds it back for most of a call's time; a `start` waits for nothing.

        Raises:
            TaskNotDoneError: It is still running after `timeout`, and goes on: its `status` has
                the workflow id to wait for.
            TaskNotCompletedError: It was cancelled, or failed outside the program.
            ClientError: See `contextworker.core.client.errors`.
        """
        call = self._requests.execute(
            code,
            parent=parent,
            inputs=inputs,
            timeout=code_timeout,
            language=language,
            tenant_id=tenant_id,
        )
        budget = Budget(timeout)
        execution = self._transport.call(call, budget.within(self._setup.timeout_s))
        if execution.done or not wait:
            return execution
        last = execution.task_status()
        watching = self._setup.watching(last.workflow_id, budget.remaining_s, known=last)
        for status in follow(self._transport, self._requests, watching, execution.run_id or None):
            last = status
        return Execution.of(last)

    def status(self, workflow_id: str, *, run_id: str | None = None) -> TaskStatus:
        """Return how a task stands; without a run id, the latest run of its workflow id.

        Raises:
            TaskNotFoundError: There is no such task.
            ClientError: See `contextworker.core.client.errors`.
        """
        return self._transport.call(self._requests.status(workflow_id, run_id))

    def watch(
        self,
        workflow_id: str,
        *,
        run_id: str | None = None,
        timeout: float | None = None,
        on_interruption: OnInterruption | None = None,
    ) -> Generator[TaskStatus]:
        """Iterate over a task's states: at once, at each change, and last when it has closed.

        An outage after the first answer is waited out; no state is told twice.

        Args:
            workflow_id: As the start replied.
            run_id: One run of it; the latest when left out.
            timeout: Seconds to watch at most; as long as it takes when left out.
            on_interruption: Called with the error when the gateway stops answering, and with None
                when it answers again.

        Raises:
            TaskNotDoneError: The task is still open after `timeout`.
            DeadlineExceededError: Nobody has told by then how it stands.
            ClientError: See `contextworker.core.client.errors`.
        """
        watching = self._setup.watching(workflow_id, timeout, on_interruption)
        return follow(self._transport, self._requests, watching, run_id)

    def result(
        self, workflow_id: str, *, run_id: str | None = None, timeout: float | None = None
    ) -> Any:
        """Wait until a task has completed, and return what its workflow returned.

        Args:
            workflow_id: As the start replied.
            run_id: One run of it; the latest when left out.
            timeout: Seconds to wait at most; as long as it takes when left out.

        Raises:
            TaskNotCompletedError: It failed, was cancelled, …: there is a class for each.
            TaskNotDoneError: It is still open after `timeout`; also a TimeoutError.
            DeadlineExceededError: Nobody has told by then how it stands; also a TimeoutError.
            ClientError: See `contextworker.core.client.errors`.
        """
        for status in self.watch(workflow_id, run_id=run_id, timeout=timeout):
            last = status
        return result_of(last)

    def cancel(
        self, workflow_id: str, *, run_id: str | None = None, reason: str | None = None
    ) -> Cancelled:
        """Ask a task to stop; it ends once its workflow has tidied up. An ended one is left alone.

        Raises:
            ClientError: See `contextworker.core.client.errors`.
        """
        return self._transport.call(self._requests.cancel(workflow_id, run_id, reason))

    def tasks(
        self,
        *,
        workflow_type: str | None = None,
        status: str | None = None,
        started_after: datetime | None = None,
        started_before: datetime | None = None,
        tenant_id: str | None = None,
        page_size: int | None = None,
    ) -> Generator[TaskSummary]:
        """Iterate over tasks, open ones first, then by when they ended; a page at a time.

        The list is some moments late.

        Raises:
            ClientError: See `contextworker.core.client.errors`.
        """
        token: str | None = None
        while True:
            call = self._requests.tasks(
                token,
                workflow_type=workflow_type,
                status=status,
                started_after=as_text(started_after),
                started_before=as_text(started_before),
                tenant_id=tenant_id,
                page_size=page_size,
            )
            page = self._transport.call(call)
            yield from page.tasks
            token = page.next_page_token
            if not token:
                return

    def modules(self) -> list[ModuleInfo]:
        """Return the modules that the gateway routes to.

        Raises:
            ClientError: See `contextworker.core.client.errors`.
        """
        return list(self._transport.call(self._requests.modules()).modules)

    def close(self) -> None:
        """Close the connection; calls that other threads wait for end with ClosedError."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
