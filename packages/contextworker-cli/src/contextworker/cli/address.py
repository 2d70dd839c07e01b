"""Which gateway and which Brain a command talks to."""

import re
from pathlib import Path

from contextworker.brain.sql.urls import parse_url
from contextworker.cli.errors import BrainError, UsageError
from contextworker.cli.output.hints import command
from contextworker.cli.settings import DEFAULT_PORT, read_settings
from contextworker.cli.stack.plan import Folders
from contextworker.cli.stack.ports import LOOPBACK
from contextworker.cli.stack.state import find_running, here_and_above

_HOST_AND_PORT = re.compile(r"(?P<host>[^\s/:]+|\[[0-9a-fA-F:.]+\]):(?P<port>\d{1,5})")
_MAX_PORT = 65_535


def gateway_address(option: str | None) -> str:
    """Return the option, else WORKER_ADDRESS, else the running stack's, else the default.

    Raises:
        UsageError: What the person named is no address: gRPC would only say that nobody answers.
    """
    settings = read_settings()
    if named := option or settings.address:
        return _checked(named)
    running = find_running(settings.state_dir)
    return running.gateway if running else f"{LOOPBACK}:{DEFAULT_PORT}"


def brain_url() -> str:
    """Return BRAIN_URL, else the running stack's, else that of the stack that last ran here.

    Raises:
        BrainError: There is none of the three, or no file where BRAIN_URL says; opening one would
            make an empty one.
    """
    settings = read_settings()
    if settings.brain_url:
        file = parse_url(settings.brain_url).path
        if file is not None and not file.exists():
            raise BrainError(f"There is no Brain at {file}, which BRAIN_URL names.")
        return settings.brain_url
    if running := find_running(settings.state_dir):
        return running.brain_url
    for folder in here_and_above():
        folders = Folders(folder / settings.state_dir)
        if folders.brain_db.exists():
            return folders.brain_url
    raise BrainError(
        f"There is no Brain here: BRAIN_URL is not set, and no {settings.state_dir} with one is in "
        f"{Path.cwd()} or above it.",
        [f"Start a stack here with:  {command('up')}"],
    )


def _checked(address: str) -> str:
    match = _HOST_AND_PORT.fullmatch(address)
    if match is None or not 0 < int(match["port"]) <= _MAX_PORT:
        raise UsageError(
            f"{address!r} is no address of a gateway: write HOST:PORT, "
            f"such as {LOOPBACK}:{DEFAULT_PORT}."
        )
    return address
