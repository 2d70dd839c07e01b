"""Run one command to its exit code, whatever interrupts it."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def run(main: Coroutine[Any, Any, int | None]) -> int:
    """Run a command; a signal cancels it, a second one cancels its clean-up too.

    Returns:
        The command's exit code, or 128 + the signal's number, as shells expect.
    """
    received: list[int] = []

    async def supervised() -> int | None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None

        def interrupt(number: int) -> None:
            received.append(number)
            task.cancel()

        for number in _SIGNALS:
            with suppress(NotImplementedError):  # Windows: asyncio.run turns Ctrl-C into a cancel
                loop.add_signal_handler(number, interrupt, number)
        return await main

    try:
        code = asyncio.run(supervised())
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 128 + (received[0] if received else signal.SIGINT)
    return 128 + received[0] if received else (code or 0)
