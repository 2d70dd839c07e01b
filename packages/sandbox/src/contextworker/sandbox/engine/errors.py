"""What went wrong in code, in its author's words: exceptions, limits, and the interpreter's own."""

import re
from dataclasses import dataclass

from pydantic_monty import Frame, MontyCrashedError, MontyError, MontyRuntimeError, MontySyntaxError

from contextworker.sandbox.engine.snapshots import Program
from contextworker.sandbox.messages import CodeError, Finished, Limits

LIMIT_EXCEEDED = "LimitExceeded"
MESSAGE_CHARACTERS = 2000
_OURS = "main.py"
_ENGINES = "<python-input-0>"
_IN_FILE = re.compile(rf'^  File "{_ENGINES}"', re.MULTILINE)
_INTERNAL = "Internal error in monty: "
_NO_AWAITABLE = "An asyncio.Future, a coroutine or an awaitable is required"
_TOOLS_ARE_PLAIN = (
    "; a tool's answer is its value: call tools one after another, or await each in an async "
    "function of your own (wait_for takes a list, too)"
)


@dataclass(frozen=True)
class Failure:
    """Why code ended, and the traceback that goes to its stderr."""

    error: CodeError
    traceback: str = ""

    @property
    def finished(self) -> Finished:
        """The code's end."""
        return Finished(error=self.error)


def limit_exceeded(limits: Limits, limit: str) -> Failure:
    """Say which limit code went beyond, and what to do."""
    return Failure(
        CodeError(
            type=LIMIT_EXCEEDED, message=_LIMITS[limit].format(**limits.model_dump()), limit=limit
        )
    )


_LIMITS = {
    "timeout_s": (
        "the code computed for more than {timeout_s:g} s; do less in one execution, or ask for a "
        "longer timeout where that is not the most that you may have"
    ),
    "memory_mib": (
        "the code's objects, or what it takes to store them at a call of a tool or to return them, "
        "took more than {memory_mib} MiB; hold less at a time"
    ),
    "recursion": "the code called {recursion} functions inside one another; use a loop",
    "output_bytes": (
        "the code printed or returned more than {output_bytes} bytes; print and return less"
    ),
    "code_bytes": "the code has more than {code_bytes} bytes; send less, or data as inputs",
    "input_bytes": "the inputs have more than {input_bytes} bytes; send less",
    "answer_bytes": (
        "a tool's arguments, or its answer, have more than {answer_bytes} bytes; ask for less at "
        "a time"
    ),
    "calls": (
        "the code looked for too many names, files and modules that are not there, or awaits more "
        "than 1,000 calls at once; do less at a time"
    ),
}


def failure(error: MontyError, program: Program) -> Failure:
    """Say why the interpreter ended code."""
    limits = program.limits
    if isinstance(error, MontyCrashedError):
        return limit_exceeded(limits, "timeout_s") if error.timed_out else _crashed()
    if not isinstance(error, MontyRuntimeError | MontySyntaxError):
        return Failure(CodeError(type=type(error).__name__, message=str(error)))
    inner = error.exception()
    name, message, frames = type(inner).__name__, error.display("msg"), error.traceback()
    if limit := _limit(name, message, frames, program):
        return limit_exceeded(limits, limit)
    if name == "RuntimeError" and message.startswith(_INTERNAL) and not frames:
        return Failure(_internal(message.removeprefix(_INTERNAL)))
    if name == "TypeError" and message.startswith(_NO_AWAITABLE):
        message += _TOOLS_ARE_PLAIN
    line = next((frame.line for frame in reversed(frames) if frame.filename == _ENGINES), None)
    return Failure(
        CodeError(type=_type(error) or name, message=message[:MESSAGE_CHARACTERS], line=line),
        _IN_FILE.sub(f'  File "{_OURS}"', error.display()) + "\n",
    )


def _limit(name: str, message: str, frames: list[Frame], program: Program) -> str | None:
    match name:
        case "TimeoutError" if not frames and message.startswith("feed time limit exceeded"):
            return "timeout_s"
        case "MemoryError" if message.endswith(f"> {program.memory_bytes} bytes"):
            return "memory_mib"
        case "MemoryError" if not frames and message.startswith("the worker exceeded its memory"):
            return "memory_mib"
        case "RecursionError" if not _raised(frames):
            return "recursion"
        case "RuntimeError" if message.startswith("suspension limit") and not _raised(frames):
            return "calls"
    return None


def _raised(frames: list[Frame]) -> bool:
    """Whether code itself raised it, by a raise statement."""
    if not frames:
        return False
    before = (frames[-1].source_line or "")[: frames[-1].column - 1]
    return before.rstrip().endswith("raise")


def _type(error: MontyRuntimeError | MontySyntaxError) -> str:
    """Return the exception's class as code knows it."""
    return error.display("type-msg").partition(":")[0].strip().rpartition(".")[2]


def _crashed() -> Failure:
    return Failure(
        CodeError(
            type="InterpreterCrashed",
            message=(
                "the interpreter's process ended while it ran this code, and nothing else was "
                "harmed; run it again, and if it ends so again, change the code"
            ),
        )
    )


def _internal(message: str) -> CodeError:
    if message.startswith("exceptions can only be called with"):
        message = (
            "an exception takes no argument here or one string: write raise ValueError(str(x))"
        )
    return CodeError(type="NotImplementedError", message=message)
