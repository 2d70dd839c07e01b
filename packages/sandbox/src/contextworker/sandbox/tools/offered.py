"""One tool of a package, and a call of it."""

import asyncio
import logging
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, Final

from pydantic import ValidationError
from temporalio.exceptions import ApplicationError

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
_LONGEST_SENTENCE: Final = 1000


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
            TransientError: It failed in a way that may pass, or is not set up.
            ApplicationError: It said so itself.
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
        deadline = asyncio.timeout(self.tool.timeout_s)
        try:
            async with deadline:
                value = await self.tool.function(context, *bound.args, **bound.kwargs)
        except ApplicationError:
            raise  # a tool that speaks Temporal's own terms
        except TimeoutError as error:
            if deadline.expired():
                problem = f"did not answer within {self.tool.timeout_s:g} s"
                raise self._failure(problem) from None
            return self._failed(error)
        except Exception as error:  # noqa: BLE001 - a package's, of whatever kind
            return self._failed(error)
        return self._answer(value, request.answer_bytes)

    def _failed(self, error: Exception) -> Answer:
        match error:
            case ConfigurationError():
                problem = f"is not set up on this worker: {error}"
            case PermanentError() | UnitError() | ValidationError():
                kind = ValueError if isinstance(error, InvalidInputError) else RuntimeError
                return raised(kind, permanent_failure(error).message)
            case TransientError():
                problem = f"failed: {error}"
            case _:
                _log.warning("the tool %s of %s failed", self.name, self.owner, exc_info=error)
                # Its text was not written for callers, and may hold anything, such as a password.
                problem = (
                    f"failed with {type(error).__name__}; the log of the sandbox's worker says more"
                )
        raise self._failure(problem) from None

    def _failure(self, problem: str) -> TransientError:
        # Short, and without causes: of a failure of more than 4 KiB, Temporal says only that.
        sentence = f"the tool {self.name} of {self.owner} {problem}"
        return TransientError(shorten(sentence, _LONGEST_SENTENCE, placeholder=" …"))

    def _answer(self, value: Any, most_bytes: int) -> Answer:
        try:
            answer = dumped(self.name, value)
        except ValueError as error:
            _log.warning("the tool of %s fails: %s", self.owner, error)
            return raised(RuntimeError, str(error))
        return fitting(answer, f"{self.name}()", most_bytes)
