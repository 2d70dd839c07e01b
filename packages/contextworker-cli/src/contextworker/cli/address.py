"""Which gateway and which Brain a command talks to."""

from pathlib import Path

from contextworker.cli.errors import BrainError
from contextworker.cli.settings import DEFAULT_PORT, CliSettings
from contextworker.cli.stack.plan import Folders
from contextworker.cli.stack.ports import LOOPBACK
from contextworker.cli.stack.state import find_running, here_and_above


def gateway_address(option: str | None) -> str:
    """Return the option, else WORKER_ADDRESS, else the running stack's, else the default."""
    settings = CliSettings()
    if option or settings.address:
        return option or settings.address
    running = find_running(settings.state_dir)
    return running.gateway if running else f"{LOOPBACK}:{DEFAULT_PORT}"


def brain_url() -> str:
    """Return BRAIN_URL, else the running stack's, else that of the stack that last ran here.

    Raises:
        BrainError: There is none of the three; opening one would make an empty one.
    """
    settings = CliSettings()
    if settings.brain_url:
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
        ["Start a stack here with:  contextworker up"],
    )
