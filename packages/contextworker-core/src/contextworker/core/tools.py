"""What code in the sandbox may call: functions that packages offer by an entry point.

A package names a Toolset in the entry-point group `contextworker.tools`. The sandbox's worker opens
every Toolset that is installed beside it, and code there calls each Tool by its name, as a plain
function. A call is an activity: it is retried, so a tool must be safe to repeat with one key.

    async def stock(context: ToolContext, sku: str, *, warehouse: str = "main") -> int:
        '''Return how many there are of a product.'''
        return await warehouses[context.tenant_id].count(sku, warehouse)

    tools = Toolset([Tool(stock)])
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final

from contextworker.core.errors import ConfigurationError

TOOLS_GROUP: Final = "contextworker.tools"

LONGEST_TIMEOUT_S: Final = 3600.0
"""What a tool's `timeout_s` is at most; an activity that calls one may take as long."""


@dataclass(frozen=True)
class ToolContext:
    """Who calls a tool: the first argument of its function."""

    tenant_id: str
    """Whose data the tool may touch; no other."""

    subject: str
    """Who runs the code, as their token named them."""

    key: str
    """The same for every attempt of one call, and for no other: what makes writes idempotent."""

    trace_id: str


ToolFunction = Callable[..., Coroutine[Any, Any, Any]]


@dataclass(frozen=True)
class Tool:
    """One function that code may call.

    Its first parameter is the ToolContext; the others are the code's own arguments, and are checked
    against their annotations. What it returns is dumped as Pydantic dumps it (models, dataclasses,
    dates, amounts), and must fit a ContextUnit's payload then. A PermanentError that it raises is
    raised in the code with its sentence: an InvalidInputError as ValueError, others as
    RuntimeError. A ConfigurationError is the operator's to mend: it is retried, as is any other
    error. Meanwhile GetTaskStatus shows the sentence of one of this project's errors, and of
    another's only the class: its text is for the worker's log.
    """

    function: ToolFunction
    _: KW_ONLY
    permission: str = "worker:read"
    """What whoever runs the code must hold."""

    name: str = ""
    """As code calls it; the function's name where empty."""

    timeout_s: float = 60
    """Of one attempt."""

    @property
    def called(self) -> str:
        """The name that code calls it by."""
        return self.name or str(getattr(self.function, "__name__", ""))


OpenTools = Callable[[], AbstractAsyncContextManager[Sequence[Tool]]]


@dataclass(frozen=True)
class Toolset:
    """The tools of one package; a function that opens them where they need clients.

    The worker enters what that function returns before it takes calls, and leaves it after the last
    one. What may be away for a while is better opened at the first call, for the worker of all
    tools does not start without it.
    """

    tools: Sequence[Tool] | OpenTools

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Sequence[Tool]]:
        """Open the tools while the block runs.

        Raises:
            ConfigurationError: They are none.
        """
        if not callable(self.tools):
            yield _checked(self.tools)
            return
        opening = self.tools()
        if not isinstance(opening, AbstractAsyncContextManager):
            raise ConfigurationError(
                f"{self.tools!r} returns {type(opening).__name__} in place of an async context "
                "manager; decorate it with @asynccontextmanager"
            )
        async with opening as tools:
            yield _checked(tools)


def _checked(tools: Any) -> Sequence[Tool]:
    if not isinstance(tools, Sequence):
        raise ConfigurationError(
            f"a Toolset has a {type(tools).__name__} in place of a list of tools"
        )
    for tool in tools:
        if not isinstance(tool, Tool):
            raise ConfigurationError(
                f"a Toolset has {tool!r} among its tools, a {type(tool).__name__}; write Tool(…) "
                "around a function"
            )
    return tools
