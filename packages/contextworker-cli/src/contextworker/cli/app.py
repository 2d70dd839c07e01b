"""The commands and where their code is; each is imported when it is called."""

import errno
import inspect
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from cyclopts import App, Group

from contextworker.cli.errors import CliError
from contextworker.core.errors import ContextWorkerError

_COMMANDS = "contextworker.cli.commands"
# What a person can mend: a full disk, a folder without rights.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


def make_app() -> App:
    """Wire the commands."""
    app = App(
        name="contextworker",
        help=(
            "Durable background work: a local stack to try it on, and a client for any gateway. "
            "Start with `contextworker demo`. "
            "`python -m contextworker` without arguments is the gateway; "
            "with `--temporal [--modules NAME…]` it is a worker."
        ),
        version=_version,
        help_format="markdown",
    )
    local = Group("On this machine", sort_key=1)
    client = Group("Against a gateway", sort_key=2)
    stored = Group("Feeds, and what is stored", sort_key=3)
    members = Group("In a repository of modules", sort_key=4)
    app.command(
        f"{_COMMANDS}.demo:demo",
        name="demo",
        group=local,
        sort_key=1,
        help="Start everything, harvest a feed, enrich its products, show them, stop everything.",
    )
    app.command(
        f"{_COMMANDS}.up:up",
        name="up",
        group=local,
        sort_key=2,
        help="Run the whole stack until Ctrl-C; its state stays in `.contextworker/`.",
    )
    app.command(
        f"{_COMMANDS}.down:down",
        name="down",
        group=local,
        sort_key=3,
        help="Stop the stack that `up` runs in this folder.",
    )
    app.command(
        f"{_COMMANDS}.start:start",
        name="start",
        group=client,
        sort_key=1,
        help="Start a workflow: `contextworker start harvest supplier_code=camping-trade`.",
    )
    app.command(
        f"{_COMMANDS}.run:run",
        name="run",
        group=client,
        sort_key=2,
        help="Run a program in the sandbox: `contextworker run report.py`.",
    )
    app.command(
        f"{_COMMANDS}.status:status",
        name="status",
        group=client,
        sort_key=3,
        help="Show how a workflow stands.",
    )
    app.command(
        f"{_COMMANDS}.watch:watch",
        name="watch",
        group=client,
        sort_key=4,
        help="Follow a workflow until it closes.",
    )
    app.command(
        f"{_COMMANDS}.cancel:cancel",
        name="cancel",
        group=client,
        sort_key=5,
        help="Ask a workflow to stop.",
    )
    app.command(
        f"{_COMMANDS}.tasks:tasks",
        name="tasks",
        group=client,
        sort_key=6,
        help="List workflows: `contextworker tasks --status failed --since 2h`.",
    )
    app.command(
        f"{_COMMANDS}.schedules:app",
        name="schedules",
        group=client,
        sort_key=7,
        help="Start workflows by a cron: register, list, pause, resume, trigger, backfill, delete.",
    )
    app.command(
        f"{_COMMANDS}.modules:modules",
        name="modules",
        group=client,
        sort_key=8,
        help="List the modules whose workers announced themselves, and what they accept.",
    )
    app.command(
        f"{_COMMANDS}.token:app",
        name="token",
        group=client,
        sort_key=20,
        help="Make bearer tokens for development, and keys to sign them with.",
    )
    app.command(
        f"{_COMMANDS}.deploy:app",
        name="deploy",
        group=Group("Versions of modules", sort_key=3),
        help="See a module's versions, and choose the one that new runs start on.",
    )
    app.command(
        f"{_COMMANDS}.harvest:app",
        name="harvest",
        group=stored,
        sort_key=1,
        help="Suppliers: list them, look at their feeds, export and replay their rejects.",
    )
    app.command(
        f"{_COMMANDS}.gardener.group:app",
        name="gardener",
        group=stored,
        sort_key=2,
        help="Enrich products, decide what is in doubt, train models from that.",
    )
    app.command(
        f"{_COMMANDS}.brain:app",
        name="brain",
        group=stored,
        sort_key=3,
        help="Look into the Brain: products, their history and relations, rejects, runs.",
    )
    app.command(
        f"{_COMMANDS}.keys:app",
        name="keys",
        group=stored,
        sort_key=4,
        help="Make keys that encrypt what Temporal stores of a run.",
    )
    app.command(
        f"{_COMMANDS}.objects:app",
        name="objects",
        group=stored,
        sort_key=5,
        help="Clean up large payloads in the object store.",
    )
    app.command(
        f"{_COMMANDS}.new_module:new_module",
        name="new-module",
        group=members,
        sort_key=1,
        help="Make a module that runs: `contextworker new-module inventory`.",
    )
    app.command(
        f"{_COMMANDS}.release:release",
        name="release",
        group=members,
        sort_key=2,
        help="Prepare and tag a member's next version: `contextworker release harvest minor`.",
    )
    return app


def run_command(tokens: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        app = make_app()
        _tell_whole(app, tokens)
        command, bound, _ = app.parse_args(list(tokens))
        result = command(*bound.args, **bound.kwargs)
        if inspect.iscoroutine(result):
            from contextworker.cli.runner import run  # noqa: PLC0415 - help needs no event loop

            return run(result)
    except CliError as error:
        return _told(error)
    except ContextWorkerError as error:
        return _told(CliError(str(error)))
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CliError.exit_code
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        return _told(CliError(str(error)))
    return int(result or 0)


def _tell_whole(app: App, tokens: Sequence[str]) -> None:
    """Let a command's own help be its docstring: its line in the list is all that is there else."""
    if tokens and not tokens[0].startswith("-") and tokens[0] in app:
        command = app[tokens[0]]
        if command.default_command is not None:
            command.help = None


def _told(error: CliError) -> int:
    from contextworker.cli.output.render import print_error  # noqa: PLC0415 - help needs none

    print_error(error)
    return error.exit_code


def _version() -> str:
    try:
        return version("contextworker-cli")
    except PackageNotFoundError:
        return "unknown (not installed)"
