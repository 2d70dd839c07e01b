"""Which gateway and which Brain a command talks to."""

from contextworker.cli.settings import DEFAULT_PORT, CliSettings
from contextworker.cli.stack.ports import LOOPBACK
from contextworker.cli.stack.state import find_running


def gateway_address(option: str | None) -> str:
    """Return the option, else WORKER_ADDRESS, else the running stack's, else the default."""
    settings = CliSettings()
    if option or settings.address:
        return option or settings.address
    running = find_running(settings.state_dir)
    return running.gateway if running else f"{LOOPBACK}:{DEFAULT_PORT}"
