"""Calls a package's tools in its tests, as code in the sandbox does."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from contextworker.core.messages import DEFAULT_TENANT
from contextworker.core.tool_answer import dumped
from contextworker.core.tool_signature import ToolSignature
from contextworker.core.tools import Tool, ToolContext, Toolset


@dataclass(frozen=True)
class ToolCaller:
    """Calls tools by their names."""

    tools: dict[str, Tool]
    tenant_id: str = DEFAULT_TENANT
    key: str | None = None
    """As each call has it: attempts of one call share theirs. A call has its own where None."""

    async def __call__(self, name: str, /, *args: JsonValue, **kwargs: JsonValue) -> Any:
        """Call a tool with arguments as code gives them; returns what code gets.

        Raises:
            KeyError: There is no such tool.
            TypeError: An argument is missing, not known, or has a wrong type.
            ValueError: An argument has a wrong value, or the tool's answer cannot travel.
            Exception: What the tool raised.
        """
        tool = self.tools[name]
        bound = ToolSignature.of(tool).bind(args, kwargs)
        context = ToolContext(
            tenant_id=self.tenant_id,
            subject="test",
            key=self.key or str(uuid.uuid4()),
            trace_id=str(uuid.uuid4()),
        )
        return dumped(name, await tool.function(context, *bound.args, **bound.kwargs))


@asynccontextmanager
async def calling(
    toolset: Toolset, *, tenant_id: str = DEFAULT_TENANT, key: str | None = None
) -> AsyncIterator[ToolCaller]:
    """Open a package's tools while the block runs; yields what calls them in a tenant's name.

    Args:
        toolset: The package's.
        tenant_id: Whose data they may touch.
        key: Of every call, as if all were attempts of one; else each has its own.

    Raises:
        ConfigurationError: Code could not call one of them.
    """
    async with toolset.open() as opened:
        yield ToolCaller({ToolSignature.of(tool).name: tool for tool in opened}, tenant_id, key)
