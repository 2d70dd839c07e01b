"""`contextworker down`."""

from contextworker.cli.errors import StackError
from contextworker.cli.output.console import err
from contextworker.cli.output.hints import command
from contextworker.cli.settings import read_settings
from contextworker.cli.stack.state import find_running

WITHIN_S = 60.0


def down() -> int:
    """Stop the stack that `up` runs in this folder or one above; its data stays."""
    settings = read_settings()
    state = find_running(settings.state_dir)
    if state is None:
        err().print("No stack runs here.")
        return 0
    with err().status("Stopping …"):
        stopped = state.up.stop(WITHIN_S)
    if not stopped:
        raise StackError(
            f"`contextworker up` (process {state.up.pid}) did not stop within {WITHIN_S:g} s.",
            [f"its logs: {state.logs}"],
        )
    err().print(f"Stopped; its data stays for the next {command('up')}.")
    return 0
