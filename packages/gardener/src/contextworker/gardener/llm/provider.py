"""Asks a server that speaks OpenAI's chat completions, through pydantic-ai.

The one module that imports pydantic-ai, which takes seconds: it is imported when the first question
is asked.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

import httpx2
import pydantic_ai
from openai import AsyncOpenAI
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.output import OutputSpec
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.usage import RunUsage

from contextworker.gardener.llm.config import LlmConfig
from contextworker.gardener.llm.failures import OverBudgetError
from contextworker.gardener.llm.questions import Sheet
from contextworker.gardener.llm.shapes import AllAnswers, shape
from contextworker.gardener.llm.spending import Spending
from contextworker.gardener.llm.wording import Wording

_CONNECT_S: Final = 10.0
_TOOL: Final = "answer"
_TOOL_DESCRIPTION: Final = "Give the answers about all products, in one call."
_LONGEST_ANSWER: Final = 16 * 1024 * 1024
_NO_KEY: Final = "none"  # the client insists on one; the header is taken out again

# Taken from variables that are for OpenAI's own server.
_NOT_OURS: Final = ("openai-organization", "openai-project")

_log = logging.getLogger(__name__)

# It greets on stderr who runs an agent for the first time.
pydantic_ai.BANNER_ENABLED = False
# It logs every request.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class Provider:
    """Makes requests, one at a time, and counts what they cost."""

    def __init__(self, config: LlmConfig, key: str | None, spending: Spending) -> None:
        self._config = config
        self._key = key
        self._spending = spending
        self._wording = Wording(config, key)
        self._sent_bytes = 0
        self._over_budget = False
        timeout = httpx2.Timeout(config.timeout_s, connect=min(_CONNECT_S, config.timeout_s))
        self.http = httpx2.AsyncClient(
            verify=_trusted(),
            timeout=timeout,
            # What follows would send the products wherever a server says.
            follow_redirects=False,
            # Uncompressed, an answer is as long as what arrives.
            headers={"accept-encoding": "identity"},
            event_hooks={"request": [self._before_sending], "response": [_before_reading]},
        )
        client = AsyncOpenAI(
            base_url=config.base_url,
            # Never None: the client would take OPENAI_API_KEY, whosever server this is.
            api_key=key or _NO_KEY,
            max_retries=0,  # each attempt has to fit into the budget
            http_client=self.http,
        )
        limit = config.output_limit == "max_completion_tokens"
        self._model = OpenAIChatModel(
            config.model,
            provider=OpenAICompatibleProvider(
                "llm",
                openai_client=client,
                profile=OpenAIModelProfile(openai_chat_supports_max_completion_tokens=limit),
            ),
        )

    async def answers(self, sheet: Sheet, *, within_s: float) -> AllAnswers:
        """Make one attempt, and charge what it took to its products.

        Args:
            sheet: What is asked.
            within_s: For the whole answer, however slowly it comes.

        Raises:
            OverBudgetError: It was not made.
            PassingError: Another one may succeed.
            UnansweredError: Another one would not.
            ConfigurationError: None would.
        """
        self._sent_bytes, self._over_budget = 0, False
        usage = RunUsage()
        agent = Agent(
            self._model,
            output_type=self._output(sheet),
            instructions=sheet.instructions,
            model_settings={"max_tokens": self._config.max_output_tokens},
            retries=0,
        )
        try:
            async with asyncio.timeout(within_s):
                run = await agent.run(sheet.products, usage=usage)
        except Exception as error:  # noqa: BLE001 -- whatever the libraries raise is sorted there
            if self._over_budget:
                raise OverBudgetError from None
            if self._wording.may_have_cost(error):
                self._charge(sheet, usage)
            # Not "from error": its chain holds what the server said, which may be anything.
            raise self._wording.failure(error, within_s=within_s) from None
        self._charge(sheet, usage)
        return run.output

    def _output(self, sheet: Sheet) -> OutputSpec[AllAnswers]:
        model = shape(sheet.tasks)
        match self._config.output:
            case "tool":
                return ToolOutput(model, name=_TOOL, description=_TOOL_DESCRIPTION)
            case "json_schema":
                return NativeOutput(model, name=_TOOL)
            case "prompt":
                return PromptedOutput(model, name=_TOOL)

    async def _before_sending(self, request: httpx2.Request) -> None:
        size = len(request.content)
        if not self._spending.fits(self._sent_bytes + size):
            self._over_budget = True
            raise OverBudgetError
        self._sent_bytes += size
        for name in _NOT_OURS:
            request.headers.pop(name, None)
        if self._key is None:
            request.headers.pop("authorization", None)

    def _charge(self, sheet: Sheet, usage: RunUsage) -> None:
        was_over = self._spending.is_over
        sheet.charge(
            self._spending.charge(
                sent_bytes=self._sent_bytes,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
            )
        )
        if self._spending.is_over and not was_over:
            _log.warning(
                "%s took %d and %d tokens where %d and %d were allowed: does its server know %s? "
                "Else set output_limit",
                self._config.model,
                usage.input_tokens,
                usage.output_tokens,
                self._sent_bytes,
                self._config.max_output_tokens,
                self._config.output_limit,
            )


class _Bounded(httpx2.AsyncByteStream):
    """A response that ends in an error where it is endless."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for part in self._stream:
            length += len(part)
            if length > _LONGEST_ANSWER:
                raise httpx2.ReadError("the answer is endless")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _before_reading(response: httpx2.Response) -> None:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.ReadError("the answer is compressed, which it was asked not to be")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream)


@cache
def _trusted() -> ssl.SSLContext:
    # Reading the authorities takes 20 ms, which every call would spend.
    return httpx2.create_ssl_context()


@asynccontextmanager
async def connect(
    config: LlmConfig, key: str | None, spending: Spending
) -> AsyncIterator[Provider]:
    """Hold connections open for some requests."""
    provider = Provider(config, key, spending)
    async with provider.http:
        yield provider
