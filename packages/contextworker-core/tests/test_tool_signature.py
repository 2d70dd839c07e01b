"""What a tool takes of code: its parameters, read once, and the arguments of each call."""

from collections.abc import Callable, Coroutine
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from contextworker.core.errors import ConfigurationError
from contextworker.core.tool_signature import ToolSignature
from contextworker.core.tools import LONGEST_TIMEOUT_S, Tool, ToolContext

CONTEXT = ToolContext(tenant_id="acme", subject="ada", key="k", trace_id="t")


class Size(StrEnum):
    """A choice."""

    SMALL = "small"
    LARGE = "large"


class Place(BaseModel):
    """A part of an argument."""

    city: str
    floor: int = 0


async def pack(
    context: ToolContext,
    sku: str,
    count: Annotated[int, Field(ge=1, le=9)] = 1,
    *,
    size: Size = Size.SMALL,
    day: date | None = None,
    to: Place | None = None,
    weight: float = 0,
    wrap: Literal["yes", "no"] = "no",
) -> list[Any]:
    """Tell what arrived."""
    return [context.tenant_id, sku, count, size, day, to, weight, wrap]


async def gather(context: ToolContext, *numbers: int, untyped: Any = None, **names: str) -> Any:
    """Take any number of arguments."""
    return [numbers, untyped, names]


class Store:
    """Something with a client."""

    async def find(self, context: ToolContext, sku: str) -> str:
        """Be a method."""
        return sku


async def called(tool: Tool, *args: Any, **kwargs: Any) -> Any:
    """Call a tool as the sandbox does."""
    bound = ToolSignature.of(tool).bind(args, kwargs)
    return await tool.function(CONTEXT, *bound.args, **bound.kwargs)


async def test_arguments_arrive_as_annotated() -> None:
    """JSON values become what the function asks for, by position or by name."""
    found = await called(
        Tool(pack), "T-1", size="large", day="2026-11-23", to={"city": "Oslo"}, weight=2, count=3
    )
    expected = ["acme", "T-1", 3, Size.LARGE, date(2026, 11, 23), Place(city="Oslo"), 2.0, "no"]
    assert expected == found


async def test_any_number_of_arguments() -> None:
    """Each of them is checked, and what has no annotation is taken as it is."""
    found = await called(Tool(gather), 1, 2, untyped={"a": [None]}, left="x", right="y")
    assert [(1, 2), {"a": [None]}, {"left": "x", "right": "y"}] == found


async def test_a_method_is_a_tool() -> None:
    """So that it has its clients at hand."""
    assert "T-1" == await called(Tool(Store().find), "T-1")


@pytest.mark.parametrize(
    ("args", "kwargs", "kind", "message"),
    [
        ((), {}, TypeError, "pack(): missing a required argument: 'sku'"),
        (("a",), {"colour": 1}, TypeError, "pack(): got an unexpected keyword argument 'colour'"),
        (("a", 1, 2), {}, TypeError, "pack(): too many positional arguments"),
        (("a",), {"sku": "b"}, TypeError, "pack(): multiple values for argument 'sku'"),
        (
            ("a",),
            {"context": {}},
            TypeError,
            "pack(): got an unexpected keyword argument 'context'",
        ),
        ((5,), {}, TypeError, "pack(): sku: must be a valid string"),
        (("a", "1"), {}, TypeError, "pack(): count: must be a valid integer"),
        (("a", True), {}, TypeError, "pack(): count: must be a valid integer"),
        (("a", None), {}, TypeError, "pack(): count: must be a valid integer"),
        (("a", 10), {}, ValueError, "pack(): count: must be less than or equal to 9"),
        (("a",), {"size": "huge"}, ValueError, "pack(): size: must be 'small' or 'large'"),
        (("a",), {"wrap": "maybe"}, ValueError, "pack(): wrap: must be 'yes' or 'no'"),
        (("a",), {"to": {"city": 1}}, TypeError, "pack(): to.city: must be a valid string"),
        (("a",), {"to": {}}, ValueError, "pack(): to.city: Field required"),
    ],
    ids=[
        "missing",
        "unknown",
        "too-many",
        "twice",
        "context",
        "type",
        "text-for-number",
        "bool-for-number",
        "none",
        "value",
        "choice",
        "literal",
        "nested",
        "nested-missing",
    ],
)
def test_a_wrong_argument_is_named(
    args: tuple[Any, ...], kwargs: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """The code gets what Python would raise, with the argument's name in it."""
    with pytest.raises(kind) as caught:
        ToolSignature.of(Tool(pack)).bind(args, kwargs)
    assert (kind, message) == (type(caught.value), str(caught.value))


def test_one_of_many_is_named() -> None:
    """An argument without a name of its own is told by its place."""
    with pytest.raises(TypeError, match=r"^gather\(\): numbers\[1\]: must be a valid integer$"):
        ToolSignature.of(Tool(gather)).bind([1, "2"], {})


def _sync(context: ToolContext) -> int:
    return 1


async def _nothing() -> None: ...


async def _untyped(context, sku: str) -> None: ...  # type: ignore[no-untyped-def] # noqa: ANN001


async def _keyword(*, context: ToolContext) -> None: ...


async def _odd(context: ToolContext, client: Store) -> None: ...


async def _unknown(context: "ToolContext", when: "Elsewhere") -> None: ...  # type: ignore[name-defined] # noqa: F821


Function = Callable[..., Coroutine[Any, Any, Any]]


@pytest.mark.parametrize(
    ("tool", "problem"),
    [
        (Tool(_sync, name="count"), "the tool count is not async"),  # type: ignore[arg-type]
        (Tool(_nothing, name="nothing"), "first parameter of the tool nothing"),
        (Tool(_untyped, name="untyped"), "first parameter of the tool untyped is 'context'"),
        (Tool(_keyword, name="keyword"), "first parameter of the tool keyword"),
        (Tool(pack, name="to pack"), "is called 'to pack', which is no name"),
        (Tool(pack, name="import"), "is called 'import', which is no name"),
        (Tool(pack, name="len"), "called like a function of Python's own"),
        (Tool(partial(pack, CONTEXT)), "is called '', which is no name"),
        (Tool(_odd, name="odd"), "parameter client of the tool odd is annotated"),
        (Tool(_unknown, name="unknown"), "annotations of the tool unknown cannot be read"),
        (Tool(pack, timeout_s=0), "a timeout_s of 0"),
        (Tool(pack, timeout_s=LONGEST_TIMEOUT_S + 1), "a timeout_s of 3601"),
        (Tool(pack, timeout_s=float("nan")), "a timeout_s of nan"),
    ],
    ids=[
        "sync",
        "no-parameter",
        "untyped-context",
        "keyword-context",
        "name",
        "keyword-name",
        "builtin",
        "nameless",
        "odd-type",
        "unknown-type",
        "no-time",
        "too-much-time",
        "nan-time",
    ],
)
def test_what_code_could_not_call_is_refused(tool: Tool, problem: str) -> None:
    """Before a worker takes calls, in a sentence that says what to change."""
    with pytest.raises(ConfigurationError) as caught:
        ToolSignature.of(tool)
    assert problem in str(caught.value)
