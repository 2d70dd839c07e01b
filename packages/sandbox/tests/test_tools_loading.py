"""Tools are found in the packages that are installed, and offered only if code can call them."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.sandbox.messages import PLATFORM_TOOLS
from contextworker.sandbox.tools.loading import open_tools

Install = Callable[..., None]
_HEAD = """
from contextlib import asynccontextmanager
from contextworker.core.tools import Tool, ToolContext, Toolset

async def stock(context: ToolContext, sku: str) -> int:
    return 3
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what installs a distribution with a module, whose `tools` it announces."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, source: str) -> None:
        module = f"{name}_for_{tmp_path.name}"  # what was imported once is never imported again
        (tmp_path / f"{module}.py").write_text(_HEAD + dedent(source))
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[contextworker.tools]\nx = {module}:tools\n")

    return install


async def test_what_is_installed_is_offered(install: Install) -> None:
    """A plain list, and one that is opened: each tool by its name, with its package."""
    install("acme", "tools = Toolset([Tool(stock), Tool(stock, name='count')])")
    install(
        "globex",
        """
        closed = []

        @asynccontextmanager
        async def open_tools():
            yield [Tool(stock, name="shelves")]
            closed.append(True)

        tools = Toolset(open_tools)
        """,
    )
    async with open_tools() as tools:
        found = {name: tool.owner for name, tool in tools.items()}
        closed = tools["shelves"].tool.function.__globals__["closed"]
        assert [] == closed
    assert [True] == closed
    expected = {"stock": "acme", "count": "acme", "shelves": "globex"}
    assert expected == {name: owner for name, owner in found.items() if name in expected}
    assert "contextworker-brain" == found["products"]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import nothing_like_it", "the tools of acme cannot be imported from"),
        ("", "the tools of acme cannot be imported from"),
        ("tools = [Tool(stock)]", "as tools, but it is a list, not a Toolset"),
        ("tools = Toolset([stock])", "of acme cannot be offered: a Toolset has <function stock"),
        ("tools = Toolset([Tool(stock, name='a b')])", "acme cannot be offered: the tool of <func"),
        ("tools = Toolset([Tool(stock), Tool(stock)])", "stock is offered twice, by acme and by"),
        ("tools = Toolset([Tool(stock, name='products')])", "by acme and by contextworker-brain"),
        *(
            (
                f"tools = Toolset([Tool(stock, name='{name}')])",
                f"acme cannot be offered: the tool {name} would",
            )
            for name in sorted(PLATFORM_TOOLS)
        ),
    ],
    ids=[
        "import",
        "no-attribute",
        "no-toolset",
        "no-tool",
        "no-name",
        "twice",
        "twice-elsewhere",
        *sorted(PLATFORM_TOOLS),
    ],
)
async def test_what_cannot_be_offered_is_refused(
    install: Install, source: str, problem: str
) -> None:
    """When the worker starts, with the package's name: no code ever meets it."""
    install("acme", source)
    with pytest.raises(ConfigurationError) as caught:
        async with open_tools():
            pass
    assert problem in str(caught.value)


async def test_what_was_opened_is_closed_where_the_next_is_refused(install: Install) -> None:
    """A worker that does not start leaves no connection behind."""
    install(
        "acme",
        """
        @asynccontextmanager
        async def open_tools():
            try:
                yield [Tool(stock)]
            finally:
                raise RuntimeError("closed")

        tools = Toolset(open_tools)
        """,
    )
    install("globex", "tools = 5")
    with pytest.raises(RuntimeError, match=r"^closed$"):
        async with open_tools():
            pass
