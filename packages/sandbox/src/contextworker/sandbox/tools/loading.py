"""The tools that are installed beside the sandbox's worker, opened while it runs."""

from collections.abc import AsyncIterator, Iterable, Mapping
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
            opened = await _open(stack, _load(point), _owner(point))
            for tool in opened:
                if (other := tools.setdefault(tool.name, tool)) is not tool:
                    raise ConfigurationError(
                        f"the tool {tool.name} is offered twice, by {other.owner} and by "
                        f"{tool.owner}; give one of them another name, or install one of the two"
                    )
        yield tools


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


async def _open(stack: AsyncExitStack, toolset: Toolset, owner: str) -> list[OfferedTool]:
    try:
        return [
            OfferedTool(tool, _signature(tool), owner)
            for tool in await stack.enter_async_context(toolset.open())
        ]
    except ConfigurationError as error:
        raise ConfigurationError(f"the tools of {owner} cannot be offered: {error}") from error


def _signature(tool: Tool) -> ToolSignature:
    if tool.called in PLATFORM_TOOLS:
        raise ConfigurationError(
            f"the tool {tool.called} would hide the platform's own; give it another name by "
            "Tool(…, name=…)"
        )
    return ToolSignature.of(tool)


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown distribution"
