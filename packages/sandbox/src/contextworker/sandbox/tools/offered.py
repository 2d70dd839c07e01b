"""One tool of a package, and a call of it."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from contextcore import UnitError
from contextworker.core.errors import (
    ConfigurationError,
    InvalidInputError,
    PermanentError,
    TransientError,
)
from contextworker.core.interceptor import permanent_failure
from contextworker.core.tool_answer import dumped
from contextworker.core.tool_signature import ToolSignature
from contextworker.core.tools import Tool, ToolContext
from contextworker.sandbox.messages import Answer, ToolRequest
from contextworker.sandbox.tools.answers import fitting, raised

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OfferedTool:
    """A tool, what it takes, and the distribution that it comes from."""

    tool: Tool
    signature: ToolSignature
    owner: str

    @property
    def name(self) -> str:
        """As code calls it."""
        return self.tool.called

    async def call(self, request: ToolRequest) -> Answer:
        """Call it, in the name of whoever runs the code.

        Raises:
            TransientError: It did not answer in time, or is not set up.
            Exception: What else it raised; another attempt may do better.
        """
        rights, call = request.rights, request.call
        if rights.lacks(self.tool.permission):
            return raised(
                PermissionError,
                f"{self.name}() takes the permission {self.tool.permission!r}, which the token of "
                f"{rights.subject!r} does not have",
            )
        try:
            bound = self.signature.bind(call.args, call.kwargs)
        except (TypeError, ValueError) as error:
            return raised(type(error), str(error))
        context = ToolContext(
            tenant_id=rights.tenant_id,
            subject=rights.subject,
            key=request.key,
            trace_id=request.trace_id,
        )
        try:
            value = await self._in_time(context, *bound.args, **bound.kwargs)
        except ConfigurationError as error:
            raise TransientError(
                f"the tool {self.name} of {self.owner} is not set up on this worker: {error}"
            ) from error
        except (PermanentError, UnitError, ValidationError) as error:
            kind = ValueError if isinstance(error, InvalidInputError) else RuntimeError
            return raised(kind, permanent_failure(error).message)
        return self._answer(value, request.answer_bytes)

    async def _in_time(self, context: ToolContext, *args: Any, **kwargs: Any) -> Any:
        deadline = asyncio.timeout(self.tool.timeout_s)
        try:
            async with deadline:
                return await self.tool.function(context, *args, **kwargs)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise TransientError(
                f"the tool {self.name} of {self.owner} did not answer within "
                f"{self.tool.timeout_s:g} s"
            ) from error

    def _answer(self, value: Any, most_bytes: int) -> Answer:
        try:
            answer = dumped(self.name, value)
        except ValueError as error:
            _log.warning("the tool of %s fails: %s", self.owner, error)
            return raised(RuntimeError, str(error))
        return fitting(answer, f"{self.name}()", most_bytes)
