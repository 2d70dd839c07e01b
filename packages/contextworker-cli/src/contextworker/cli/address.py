"""Which gateway, Brain, object store and supplier files a command is about."""

from dataclasses import dataclass
from pathlib import Path

from contextworker.brain.settings import is_service
from contextworker.brain.sql.urls import parse_url
from contextworker.cli.errors import BrainError, StackError
from contextworker.cli.output.hints import command
from contextworker.cli.settings import DEFAULT_PORT, read_settings
from contextworker.cli.stack.plan import Folders
from contextworker.cli.stack.ports import LOOPBACK
from contextworker.cli.stack.prepare import find_suppliers
from contextworker.cli.stack.state import find_running, here_and_above


@dataclass(frozen=True)
class FoundGateway:
    """A gateway's address, and whether it is that of a stack that `up` runs, which has no TLS."""

    address: str
    is_own_stack: bool = False


def find_gateway(option: str | None) -> FoundGateway:
    """Return the option, else WORKER_ADDRESS, else the running stack's, else the default."""
    settings = read_settings()
    if named := option or settings.address:
        return FoundGateway(named)
    if running := find_running(settings.state_dir):
        return FoundGateway(running.gateway, is_own_stack=True)
    return FoundGateway(f"{LOOPBACK}:{DEFAULT_PORT}")


def store_url() -> str:
    """Return CONTEXTWORKER_STORE_URL, else the running stack's, else that of the last one here.

    Raises:
        StackError: There is none of the three.
    """
    settings = read_settings()
    if settings.store_url:
        return settings.store_url
    if running := find_running(settings.state_dir):
        return running.store_url
    for folder in here_and_above():
        folders = Folders(folder / settings.state_dir)
        if folders.brain_db.exists():
            return folders.store_url
    raise StackError(
        "Nobody knows which object store the workers have: set CONTEXTWORKER_STORE_URL as it "
        "is set for them.",
        [f"Or start a stack here with:  {command('up')}"],
    )


def suppliers_folder() -> Path:
    """Return CONTEXTWORKER_SUPPLIERS_DIR, else the running stack's, else the examples.

    Raises:
        StackError: There is none of the three.
    """
    settings = read_settings()
    if settings.suppliers_dir is None and (running := find_running(settings.state_dir)):
        return running.suppliers_dir
    return find_suppliers(settings.suppliers_dir, Path.cwd())


def brain_url() -> str:
    """Return BRAIN_URL, else the running stack's, else that of the stack that last ran here.

    Raises:
        BrainError: There is none of the three, or no file where BRAIN_URL says; opening one would
            make an empty one.
    """
    settings = read_settings()
    if settings.brain_url:
        if is_service(settings.brain_url):
            return settings.brain_url
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
