"""Lets one test try both clients: the asyncio one, behind the sync one's face."""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from typing import Any

from contextworker.core.client import AsyncTask, AsyncWorkerClient, WorkerClient
from contextworker.core.client.schedules import AsyncSchedules

_ASYNC = (AsyncWorkerClient, AsyncTask, AsyncSchedules)
MakeClient = Callable[..., Any]


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Any) -> Any:
        """Await something there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def close(self) -> None:
        """End it."""
        self.run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Blocking:
    """An async client, or what it returned, with blocking methods."""

    def __init__(self, what: Any, loop: Loop) -> None:
        self._what = what
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._what, name)
        return self._faced(value) if not inspect.ismethod(value) else self._blocking(value)

    def _blocking(self, method: Any) -> Any:
        @wraps(method)
        def call(*arguments: Any, **options: Any) -> Any:
            answer = method(*arguments, **options)
            if inspect.isasyncgen(answer):
                return self._iterated(answer)
            return self._faced(self._loop.run(answer))

        return call

    def _faced(self, value: Any) -> Any:
        return Blocking(value, self._loop) if isinstance(value, _ASYNC) else value

    def _iterated(self, answers: AsyncIterator[Any]) -> Iterator[Any]:
        end = object()
        try:
            while (answer := self._loop.run(anext(answers, end))) is not end:
                yield answer
        finally:
            self._loop.run(answers.aclose())  # type: ignore[attr-defined] # a generator's


def maker(kind: str, loop: Loop, opened: list[Any]) -> MakeClient:
    """Return what makes clients of a kind, and notes them to be closed."""

    def make(*arguments: Any, **options: Any) -> Any:
        client: Any = (
            WorkerClient(*arguments, **options)
            if kind == "sync"
            else Blocking(AsyncWorkerClient(*arguments, **options), loop)
        )
        opened.append(client)
        return client

    return make
