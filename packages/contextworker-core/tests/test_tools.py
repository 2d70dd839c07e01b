"""How a package offers tools: the README's example, and what its tests call tools with."""

import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.core.testing import calling
from contextworker.core.tools import Tool, ToolContext, Toolset

_README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"```python\b[^\n]*\n(.*?)```", re.DOTALL)


async def keys(context: ToolContext) -> list[str]:
    """Tell what a call is known by."""
    return [context.tenant_id, context.key]


async def nothing() -> None:
    """Be no tool."""


async def test_the_readmes_example_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module author begins with it."""
    section = _README.read_text().split("### Offer a tool")[1].split("\n### ")[0]
    tools, test = _BLOCK.findall(section)
    package = tmp_path / "acme_stock"
    package.mkdir()
    (package / "tools.py").write_text(tools)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict[str, object] = {}
    exec(test, names)
    try:
        await names["test_what_is_reserved_is_not_in_stock"]()  # type: ignore[operator]
    finally:
        for name in ("acme_stock.tools", "acme_stock"):
            sys.modules.pop(name)


async def test_each_call_has_a_key_of_its_own() -> None:
    """Unless a test wants to see what repeats do."""
    toolset = Toolset([Tool(keys)])
    async with calling(toolset, tenant_id="acme") as call:
        one, other = await call("keys"), await call("keys")
    assert ("acme", "acme", False) == (one[0], other[0], one[1] == other[1])
    async with calling(toolset, key="k") as call:
        assert [["default", "k"]] * 2 == [await call("keys"), await call("keys")]


async def test_tools_that_need_clients_are_opened_and_closed() -> None:
    """As the worker does."""
    told: list[str] = []

    @asynccontextmanager
    async def open_tools() -> AsyncIterator[Sequence[Tool]]:
        told.append("opened")
        yield [Tool(keys, name="look")]
        told.append("closed")

    async with calling(Toolset(open_tools), key="k") as call:
        told += await call("look")
    assert ["opened", "default", "k", "closed"] == told


async def test_what_code_could_not_call_is_refused() -> None:
    """An author need not start a worker to find out."""
    with pytest.raises(ConfigurationError, match="first parameter of the tool nothing"):
        async with calling(Toolset([Tool(nothing)])):
            pass


async def _forgotten() -> AsyncIterator[Sequence[Tool]]:
    yield []


@asynccontextmanager
async def _empty() -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize(
    ("toolset", "problem"),
    [
        (Toolset(_forgotten), "returns async_generator in place of an async context manager"),  # type: ignore[arg-type]
        (Toolset(_empty), "has a NoneType in place of a list of tools"),  # type: ignore[arg-type]
        (Toolset(Tool(keys)), "has a Tool in place of a list of tools"),  # type: ignore[arg-type]
        (Toolset([keys]), "a function; write Tool(…) around a function"),  # type: ignore[list-item]
    ],
    ids=["no-decorator", "nothing", "no-list", "bare-function"],
)
async def test_what_is_no_toolset_is_refused(toolset: Toolset, problem: str) -> None:
    """In a sentence to its author."""
    with pytest.raises(ConfigurationError) as caught:
        async with toolset.open():
            pass
    assert problem in str(caught.value)
