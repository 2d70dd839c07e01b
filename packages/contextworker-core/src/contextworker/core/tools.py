"""What code in the sandbox may call: functions that packages offer by an entry point.

A package names a Toolset in the entry-point group `contextworker.tools`. The sandbox's worker opens
every Toolset that is installed beside it, and code there calls each Tool by its name, as a plain
function. A call is an activity: it is retried, so a tool must be safe to repeat with one key.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final

TOOLS_GROUP: Final = "contextworker.tools"


@dataclass(frozen=True)
class ToolContext:
    """Who calls a tool: the first argument of its function."""

    tenant_id: str
    """Whose data the tool may touch; no other."""

    subject: str
    key: str
    """The same for every attempt of one call, and for no other: what makes writes idempotent."""

    trace_id: str


ToolFunction = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One function that code may call.

    Its first parameter is the ToolContext; the others are the code's own arguments, and are checked
    against their annotations. What it returns must fit a ContextUnit's payload. A PermanentError it
    raises is raised in the code, with its sentence; any other error is retried.
    """

    function: ToolFunction
    permission: str = "worker:read"
    """What the caller of the code must hold."""

    name: str = ""
    """As code calls it; the function's name where empty."""

    timeout_s: float = field(default=60)
    """Of one attempt."""

    @property
    def called(self) -> str:
        """The name that code calls it by."""
        return self.name or str(getattr(self.function, "__name__", ""))


OpenTools = Callable[[], AbstractAsyncContextManager[Sequence[Tool]]]


@dataclass(frozen=True)
class Toolset:
    """The tools of one package; a function that opens them where they need clients."""

    tools: Sequence[Tool] | OpenTools
