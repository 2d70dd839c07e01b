"""The tools that are installed beside the sandbox's worker, opened while it runs."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import EntryPoint, entry_points

from contextworker.core.errors import ConfigurationError
from contextworker.core.tool_signature import ToolSignature
from contextworker.core.tools import TOOLS_GROUP, Tool, Toolset
from contextworker.sandbox.messages import PLATFORM_TOOLS
from contextworker.sandbox.tools.offered import OfferedTool

Tools = Mapping[str, OfferedTool]
"""By the name that code calls them by."""


@asynccontextmanager
async def open_tools(points: Iterable[EntryPoint] | None = None) -> AsyncIterator[Tools]:
    """Open every Toolset that an installed distribution announces; closed on leaving.

    Raises:
        ConfigurationError: One cannot be imported or is none, or one of its tools could not be
            called, or is called like another; names the packages.
    """
    found = entry_points(group=TOOLS_GROUP) if points is None else points
    tools: dict[str, OfferedTool] = {}
    async with AsyncExitStack() as stack:
        for point in sorted(found, key=lambda one: (_owner(one), one.name)):
            opened = await _open(stack, _load(point))
            for tool in _offered(opened, _owner(point)):
                if (other := tools.setdefault(tool.name, tool)) is not tool:
                    raise ConfigurationError(
                        f"the tool {tool.name} is offered twice, by {other.owner} and by "
                        f"{tool.owner}; give one of them another name, or install one of the two"
                    )
        yield tools


async def _open(stack: AsyncExitStack, toolset: Toolset) -> Sequence[Tool]:
    if callable(toolset.tools):
        return await stack.enter_async_context(toolset.tools())
    return toolset.tools


def _load(point: EntryPoint) -> Toolset:
    try:
        toolset = point.load()
    except Exception as error:
        raise ConfigurationError(
            f"the tools of {_owner(point)} cannot be imported from {point.value!r}: {error}"
        ) from error
    if not isinstance(toolset, Toolset):
        raise ConfigurationError(
            f"{_owner(point)} announces {point.value!r} as tools, but it is a "
            f"{type(toolset).__name__}, not a Toolset"
        )
    return toolset


def _offered(tools: Sequence[Tool], owner: str) -> Iterator[OfferedTool]:
    for tool in tools:
        if not isinstance(tool, Tool):
            raise ConfigurationError(
                f"{owner} offers {tool!r} among its tools, which is a {type(tool).__name__}; "
                "write Tool(…) around a function"
            )
        if tool.called in PLATFORM_TOOLS:
            raise ConfigurationError(
                f"{owner} offers a tool called {tool.called}, which would hide the platform's own; "
                "give it another name by Tool(…, name=…)"
            )
        try:
            signature = ToolSignature.of(tool)
        except ConfigurationError as error:
            raise ConfigurationError(f"{owner}: {error}") from error
        yield OfferedTool(tool, signature, owner)


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown distribution"
