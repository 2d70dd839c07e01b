"""Calls of packages' tools: in whose name, and what comes of each way that a tool can end."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from contextworker.core.caller import CallerRights
from contextworker.core.client import AsyncWorkerClient
from contextworker.core.errors import (
    ConfigurationError,
    InvalidInputError,
    PermanentError,
    TransientError,
)
from contextworker.core.tool_signature import ToolSignature
from contextworker.core.tools import Tool, ToolContext
from contextworker.sandbox.activities.calls import Calls
from contextworker.sandbox.messages import Answer, ToolCall, ToolError, ToolRequest
from contextworker.sandbox.tools.offered import OfferedTool

RIGHTS = CallerRights(subject="ada", tenant_id="acme", permissions=("worker:read",))
Function = Callable[..., Coroutine[Any, Any, Any]]


async def call(tool: Tool | Function, *args: Any, **changed: Any) -> Answer:
    """Have the activity call a tool."""
    tool = tool if isinstance(tool, Tool) else Tool(tool, name="tool")
    offered = OfferedTool(tool, ToolSignature.of(tool), "acme-tools")
    calls = Calls(AsyncWorkerClient(), {offered.name: offered})
    request = ToolRequest(
        **{
            "rights": RIGHTS,
            "call": ToolCall(tool=offered.name, args=args),
            "key": "unit/1",
            "trace_id": "trace",
            "answer_bytes": 10_000,
        }
        | changed
    )
    return await ActivityEnvironment().run(calls.call_tool, request)


def raising(error: Exception) -> Function:
    """Make a tool that fails."""

    async def fail(context: ToolContext) -> None:
        raise error

    return fail


def returning(value: Any) -> Function:
    """Make a tool that answers."""

    async def answer(context: ToolContext) -> Any:
        return value

    return answer


def raised(kind: str, message: str) -> Answer:
    """Make the answer that is an exception in the code."""
    return Answer(error=ToolError(type=kind, message=message))


async def test_a_tool_knows_who_calls_and_what_with() -> None:
    """Its tenant comes of the rights, and of nothing that the code says."""

    async def look(context: ToolContext, what: str) -> Any:
        return [context, what]

    expected = {"tenant_id": "acme", "subject": "ada", "key": "unit/1", "trace_id": "trace"}
    assert Answer(value=[expected, "tents"]) == await call(look, "tents")


class Shelf(BaseModel):
    """A model."""

    day: date
    price: Decimal


@dataclass
class Box:
    """A dataclass."""

    shelves: tuple[Shelf, ...]


async def test_what_a_tool_returns_is_dumped() -> None:
    """Models, dataclasses, dates and amounts arrive as JSON values."""
    box = Box((Shelf(day=date(2026, 11, 23), price=Decimal("9.90")),))
    expected = {"shelves": [{"day": "2026-11-23", "price": "9.90"}]}
    assert Answer(value=expected) == await call(returning(box))


class Opaque:
    """What no JSON can be."""


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (2**53 + 1, "tool: is an integer beyond ±2^53; send it as a string"),
        ({"a": [float("nan")]}, "tool.a[0]: is nan, which is no number; send null or a string"),
        (Opaque(), "Unable to serialize unknown type: <class"),
        ("\ud800", "tool: is a string that is not valid Unicode"),
    ],
    ids=["integer", "nan", "object", "unicode"],
)
async def test_what_cannot_travel_is_an_error_in_the_code(value: Any, problem: str) -> None:
    """It would be so each time: trying again helps nobody."""
    answer = await call(returning(value))
    assert answer.error is not None
    assert "RuntimeError" == answer.error.type
    assert f"tool() returned what cannot travel: {problem}" in answer.error.message


async def test_what_refers_to_itself_cannot_travel() -> None:
    """It would have no end."""
    endless: list[Any] = []
    endless.append(endless)
    answer = await call(returning(endless))
    assert answer.error is not None
    assert answer.error.message.startswith("tool() returned what cannot travel: Circular")


async def test_an_answer_that_is_too_large_asks_for_less() -> None:
    """What code may hold is limited, and so is what a history keeps."""
    expected = raised(
        "ValueError", "the answer of tool() takes 102 bytes, and may take 101: ask for less"
    )
    assert expected == await call(returning("x" * 100), answer_bytes=101)
    assert Answer(value="x" * 100) == await call(returning("x" * 100), answer_bytes=102)


async def test_wrong_arguments_are_the_codes_errors() -> None:
    """As Python words them."""
    message = "tool(): too many positional arguments"
    assert raised("TypeError", message) == await call(returning(1), "more")


async def test_a_missing_permission_is_the_codes_error() -> None:
    """The tool is not called."""
    tool = Tool(raising(AssertionError("called")), name="tool", permission="stock:read")
    message = "tool() takes the permission 'stock:read', which the token of 'ada' does not have"
    assert raised("PermissionError", message) == await call(tool)
    everything = CallerRights(subject="ada", tenant_id="acme")
    with pytest.raises(TransientError, match="AssertionError"):
        await call(tool, rights=everything)


async def test_a_tool_that_is_not_there_is_an_unknown_name() -> None:
    """As it would be without a sandbox."""
    expected = raised("NameError", "name 'produkts' is not defined")
    assert expected == await call(returning(1), call=ToolCall(tool="produkts"))


class OutOfStockError(PermanentError):
    """A package's own error."""


class NoSuchSkuError(InvalidInputError):
    """What the code asked for is wrong."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OutOfStockError("there are no tents"), "RuntimeError"),
        (NoSuchSkuError("no X"), "ValueError"),
    ],
    ids=["permanent", "input"],
)
async def test_a_permanent_error_is_raised_in_the_code(error: Exception, kind: str) -> None:
    """With its sentence, and not tried again."""
    assert raised(kind, str(error)) == await call(raising(error))


async def test_a_faulty_reply_inside_a_tool_is_not_quoted() -> None:
    """What a validation error shows of values is nobody's business."""

    async def parse(context: ToolContext) -> Any:
        return TypeAdapter(dict[str, int]).validate_python({"price": "secret"})

    answer = await call(parse)
    assert answer.error is not None
    assert ("RuntimeError", False) == (answer.error.type, "secret" in answer.error.message)


_FAULT = "failed with {}; the log of the sandbox's worker says more"


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (ConnectionError("no route to brain:swordfish@db"), _FAULT.format("ConnectionError")),
        (TransientError("the shop is away"), "failed: the shop is away"),
        (TimeoutError("its own"), _FAULT.format("TimeoutError")),
        (TransientError("x" * 5000), "failed: …"),
        (
            ConfigurationError("SHOP_URL is not set"),
            "is not set up on this worker: SHOP_URL is not set",
        ),
    ],
    ids=["any", "transient", "its-own-timeout", "long", "configuration"],
)
async def test_other_errors_are_tried_again(error: Exception, problem: str) -> None:
    """By the workflow's policy; until then GetTaskStatus shows them, if they are short.

    What nobody wrote for callers to read may hold anything, such as a password.
    """
    with pytest.raises(TransientError) as caught:
        await call(raising(error))
    assert f"the tool tool of acme-tools {problem}" == str(caught.value)
    assert None is caught.value.__cause__


async def test_a_tool_may_speak_temporals_terms() -> None:
    """Such as when to try again."""
    error = ApplicationError("later", next_retry_delay=timedelta(hours=1))
    with pytest.raises(ApplicationError) as caught:
        await call(raising(error))
    assert error is caught.value


async def test_an_attempt_takes_no_longer_than_it_may() -> None:
    """A tool that hangs is cancelled, and tried again."""
    cancelled = asyncio.Event()

    async def hang(context: ToolContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(TransientError) as caught:
        await call(Tool(hang, timeout_s=0.01))
    assert "the tool hang of acme-tools did not answer within 0.01 s" == str(caught.value)
    assert cancelled.is_set()


async def test_a_call_beats() -> None:
    """A worker that dies is noticed before the call's time is over."""
    beats: list[tuple[Any, ...]] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *details: beats.append(details)

    async def wait(context: ToolContext) -> None:
        while not beats:
            await asyncio.sleep(0)

    slow = Tool(wait, name="tool")
    calls = Calls(
        AsyncWorkerClient(), {"tool": OfferedTool(slow, ToolSignature.of(slow), "acme-tools")}
    )
    request = ToolRequest(
        rights=RIGHTS, call=ToolCall(tool="tool"), key="k", trace_id="t", answer_bytes=100
    )
    async with asyncio.timeout(10):
        assert Answer() == await environment.run(calls.call_tool, request)
