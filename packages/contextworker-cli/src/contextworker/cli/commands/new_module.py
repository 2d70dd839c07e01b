"""`contextworker new-module`."""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from contextworker.cli.errors import ScaffoldError, UsageError
from contextworker.cli.output.console import out
from contextworker.cli.output.hints import command
from contextworker.cli.scaffold.making import make_member, make_standalone
from contextworker.cli.scaffold.names import ModuleName

_DESCRIPTION_LENGTH = 90
_COLUMN = 34  # where remarks begin, beside all commands but the longest


def new_module(
    name: str,
    /,
    *,
    standalone: Annotated[bool, Parameter(negative="")] = False,
    into: Path | None = None,
    description: str | None = None,
) -> int:
    """Make a module that runs: messages, workflow, activities, worker, tests, deployment.

    In a clone of ContextWorker it becomes a member of the workspace, and stands in every list that
    members stand in. Its example counts words; replace that with what your module does.

    Args:
        name: What it is called, such as `inventory` or `price-watch`.
        standalone: Make a package outside ContextWorker, which needs contextworker-core only.
        into: The folder to make a standalone package in. Default: the one you are in.
        description: One sentence on what it does, for its package and README.
    """
    parsed = ModuleName.parse(name)
    said = _checked(description) or f"The {parsed.package.replace('_', ' ')} module."
    if into is not None and not standalone:
        raise UsageError(
            "--into goes with --standalone: a member of the workspace is in packages/."
        )
    try:
        folder = (
            make_standalone((into or Path()).resolve(), parsed, said)
            if standalone
            else make_member(Path.cwd(), parsed, said)
        )
    except OSError as error:
        raise ScaffoldError(f"{parsed.dashed} cannot be made: {error}") from error
    _tell(folder, parsed, standalone=standalone)
    return 0


def _checked(description: str | None) -> str | None:
    if description is None:
        return None
    text = description.strip()
    if not text or len(text) > _DESCRIPTION_LENGTH or not text.isprintable():
        raise UsageError(f"--description is one line of 1 to {_DESCRIPTION_LENGTH} characters.")
    if '"""' in text or "\\" in text or text.endswith('"'):
        raise UsageError('--description becomes a docstring: no \\, no """, no " at its end.')
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _tell(folder: Path, name: ModuleName, *, standalone: bool) -> None:
    """Say what is there now, and the commands to type next."""
    here = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    start = f'start {name.package} document=fox text="the quick brown fox" --watch'
    steps = (
        [
            (f"cd {shlex.quote(str(here))} && uv sync", "install it"),
            ("uv run pytest", "its tests, on a real Temporal"),
            (f"uv run {name.dashed}-worker", "its worker; README.md says how to try it"),
        ]
        if standalone
        else [
            ("uv sync", "install it"),
            (f"uv run pytest packages/{name.package}", "its tests, on a real Temporal"),
            (
                f"uv run {name.dashed}-worker",
                f"its worker; `{command('up')}`, begun anew, has it too",
            ),
            (command(start), "a first run"),
        ]
    )
    console = out()
    console.print(Text(f"{here} is made; its README.md says what is where."), soft_wrap=True)
    console.print(Text("Next:"))
    for line, what in steps:
        console.print(Text.assemble(f"  {line:<{_COLUMN}}", ("  # " + what, "dim")), soft_wrap=True)
