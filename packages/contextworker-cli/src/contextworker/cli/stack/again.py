"""Start over where a port that was free was taken before its process came to bind it."""

from collections.abc import Awaitable, Callable

from contextworker.cli.errors import ChildError
from contextworker.cli.output.console import err
from contextworker.cli.stack.plan import Plan
from contextworker.cli.stack.ports import in_use


async def until_ports_hold(
    prepare: Callable[[], Plan], run: Callable[[Plan], Awaitable[None]]
) -> None:
    """Prepare a plan and run it; do both again where somebody else has one of its ports.

    Raises:
        ChildError: A process failed for another reason.
        StackError: The port was a fixed one.
    """
    while True:
        plan = prepare()
        try:
            return await run(plan)
        except ChildError:
            if not any(in_use(port) for port in plan.ports):
                raise
            err().print("[yellow]![/] Another program took a port meanwhile; choosing others.")
