"""Drive a program from one stop of the interpreter to the next, until it ends or needs an answer.

Unknown names, files and modules are answered here. A call that code awaits is *pending*: the
program may go on in another of its tasks, and stops where all of them wait. Then the pending calls
are asked for one after another.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic_monty import (
    AsyncFunctionSnapshot,
    AsyncFutureSnapshot,
    AsyncNameLookupSnapshot,
    AsyncSnapshot,
    MontyComplete,
)

from contextworker.sandbox.engine.errors import Failure
from contextworker.sandbox.engine.snapshots import Pending, Program, Suspension
from contextworker.sandbox.engine.values import arguments, measure
from contextworker.sandbox.messages import SLEEP, CodeError, ToolCall

_SLEEPS = frozenset({"time.sleep", "asyncio.sleep"})
_AWAIT = re.compile(rb"(?<![\w.])await[\s(\\]*$")
_SOURCE = "<python-input-0>"
_NO_SUCH_VALUE = (
    "a value that leaves the interpreter cannot have objects of classes as keys or in sets; give "
    "their text"
)

_T = TypeVar("_T")


@dataclass(frozen=True)
class Value:
    """The program ended: the value of its last expression."""

    value: object


@dataclass(frozen=True)
class Waiting:
    """The program waits for an answer."""

    call: ToolCall
    suspension: Suspension
    dump: bytes


@dataclass
class Drive:
    """One turn of a program."""

    program: Program
    tools: frozenset[str]
    pending: dict[int, str] = field(default_factory=dict)
    """The calls that it awaits, as JSON, by the interpreter's number of each."""

    awaited_bytes: int = 0
    """Of the arguments of this turn's awaited calls."""

    async def to_stop(self, at: AsyncSnapshot) -> Value | Waiting | Failure:
        """Drive the program on from where it is.

        Raises:
            MontyError: It failed.
            TooLargeError: A call's arguments are larger than they may be.
        """
        while True:
            match at:
                case MontyComplete():
                    return _value(at)
                case AsyncNameLookupSnapshot():
                    at = await self._name(at)
                case AsyncFutureSnapshot():
                    return await self._all_wait(at)
                case AsyncFunctionSnapshot():
                    reached = await self._call(at)
                    if isinstance(reached, Waiting):
                        return reached
                    at = reached

    async def _name(self, at: AsyncNameLookupSnapshot) -> AsyncSnapshot:
        if at.object_id is None and at.variable_name in self.tools:
            return await at.resume(value=_stand_in(at.variable_name))
        return await at.resume()

    async def _call(self, at: AsyncFunctionSnapshot) -> AsyncSnapshot | Waiting:
        name = str(at.function_name)
        if at.is_os_function and name not in _SLEEPS:
            return await at.resume_not_handled()
        if not at.is_os_function and name not in self.tools:
            message = f"name '{name}' is not defined"
            return await at.resume({"exc_type": "NameError", "message": message})
        try:
            args, kwargs = _leaving(lambda: (at.args, at.kwargs))
            call = self._asked(SLEEP if at.is_os_function else name, args, kwargs)
        except TypeError as error:
            return await at.resume({"exc_type": "TypeError", "message": str(error)})
        if self._awaited(at):
            self.pending[at.call_id] = call.model_dump_json()
            self.awaited_bytes += measure(
                [call.args, call.kwargs], self._largest - self.awaited_bytes
            )
            return await at.resume({"future": ...})
        suspension = Suspension(program=self.program, unasked=self._pending(self.pending))
        return Waiting(call, suspension, await _dump(at))

    def _asked(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> ToolCall:
        checked, named = arguments(name, args, dict(kwargs), self._largest)
        return ToolCall(tool=name, args=checked, kwargs=named)

    def _awaited(self, at: AsyncFunctionSnapshot) -> bool:
        if at.allow_eager_await:
            return True
        # The interpreter tells an awaited call only where no other task could run meanwhile.
        before = self.program.code.encode()[: at.position.start]
        return at.position.filename == _SOURCE and _AWAIT.search(before) is not None

    async def _all_wait(self, at: AsyncFutureSnapshot) -> Waiting:
        asked = at.pending_call_ids
        pending = self._pending(asked)
        suspension = Suspension(
            program=self.program,
            pending=pending,
            unasked=self._pending(self.pending.keys() - asked),
        )
        call = ToolCall.model_validate_json(pending[0].call)
        return Waiting(call, suspension, await _dump(at))

    def _pending(self, ids: Iterable[int]) -> tuple[Pending, ...]:
        # In the order that code made them: a turn that runs twice must ask for the same call.
        return tuple(Pending(id=call_id, call=self.pending[call_id]) for call_id in sorted(ids))

    @property
    def _largest(self) -> int:
        return self.program.limits.answer_bytes


def _value(at: MontyComplete) -> Value | Failure:
    try:
        return Value(_leaving(lambda: at.output))
    except TypeError as error:
        return Failure(CodeError(type="TypeError", message=str(error)))


def _leaving(read: Callable[[], _T]) -> _T:
    """Read values out of the interpreter, which makes Python's own of them.

    Raises:
        TypeError: Python has none such.
    """
    try:
        return read()
    except (TypeError, ValueError, OverflowError):
        raise TypeError(_NO_SUCH_VALUE) from None


async def _dump(at: AsyncFunctionSnapshot | AsyncFutureSnapshot) -> bytes:
    # It waits for the process, which takes a while over many objects.
    return await asyncio.to_thread(at.dump)


def _stand_in(name: str) -> Callable[..., None]:
    """Return what the interpreter takes for a function of the host's: only the name matters."""

    def tool() -> None: ...

    tool.__name__ = tool.__qualname__ = name
    return tool
