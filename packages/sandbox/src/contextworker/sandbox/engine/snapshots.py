"""A suspended program, as bytes: what the interpreter says of itself, and what we add."""

from pydantic import ValidationError
from pydantic_monty import __version__ as interpreter_version

from contextworker.core.errors import PermanentError
from contextworker.core.messages import Message
from contextworker.sandbox.messages import Answer, Limits, ToolCall


class SnapshotError(PermanentError):
    """A snapshot that this worker cannot resume from."""


class Pending(Message):
    """A call that the program awaits, and its answer once there is one.

    Both stay JSON until they are needed: there may be hundreds, asked for turn by turn.
    """

    id: int
    call: str
    answer: str | None = None


class Program(Message):
    """What stays the same over all turns of an execution."""

    code: str
    limits: Limits
    memory_bytes: int
    """The interpreter's own limit: no two are the same, so that code cannot make up its message."""


class Suspension(Message):
    """A program, where it stands."""

    program: Program
    pending: tuple[Pending, ...] = ()
    """What it awaits, the first without an answer being asked for; empty after a plain call."""

    unasked: tuple[Pending, ...] = ()
    """What other tasks of it await: asked for once all of them wait."""

    interpreter: str = interpreter_version
    """The version that wrote it."""

    @property
    def asked(self) -> ToolCall | None:
        """The awaited call to be answered next."""
        call = next((item.call for item in self.pending if item.answer is None), None)
        return None if call is None else ToolCall.model_validate_json(call)

    @property
    def answered_bytes(self) -> int:
        """How much the answers are that there are already."""
        return sum(len(item.answer) for item in self.pending if item.answer)

    def answered(self, answer: Answer) -> "Suspension":
        """Return the suspension with an answer to the call that was asked for."""
        pending = list(self.pending)
        at = next(at for at, item in enumerate(pending) if item.answer is None)
        pending[at] = pending[at].model_copy(update={"answer": answer.model_dump_json()})
        return self.model_copy(update={"pending": tuple(pending)})


def write(suspension: Suspension, dump: bytes) -> bytes:
    """Return a snapshot."""
    return suspension.model_dump_json().encode() + b"\n" + dump


def read(snapshot: bytes) -> tuple[Suspension, bytes]:
    """Return what a snapshot holds.

    Raises:
        SnapshotError: It is none, or another version of the interpreter made it.
    """
    head, _, dump = snapshot.partition(b"\n")
    try:
        suspension = Suspension.model_validate_json(head)
    except ValidationError:
        raise SnapshotError("this is no snapshot of a program") from None
    return suspension, dump
