"""What code prints: stdout and stderr apart, each in order, and no more than its limit."""

import asyncio
from collections.abc import Callable
from typing import Literal

from contextworker.sandbox.engine.stops import Printed
from contextworker.sandbox.sizes import cut, written_bytes


class Printout:
    """Collects a turn's output."""

    def __init__(self, limit: int, on_overflow: Callable[[], None]) -> None:
        """Begin.

        Args:
            limit: Bytes, as `written_bytes` counts them, of both together.
            on_overflow: Called once, in the event loop, when code has printed more.
        """
        self._left = limit
        self._on_overflow = on_overflow
        self._loop = asyncio.get_running_loop()
        self._parts: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self.overflowed = False

    def __call__(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Take a piece; the interpreter calls this in a thread of its own."""
        if self.overflowed:
            return
        size = written_bytes(text)
        if size > self._left:
            self.overflowed = True
            text = cut(text, self._left)
            self._loop.call_soon_threadsafe(self._on_overflow)
        self._left -= min(size, self._left)
        self._parts[stream].append(text)

    def printed(self, traceback: str = "") -> Printed:
        """Return what there is, and a traceback after it, as far as it fits."""
        stderr = "".join(self._parts["stderr"])
        if traceback and stderr and not stderr.endswith("\n"):
            stderr += "\n"
        return Printed("".join(self._parts["stdout"]), stderr + cut(traceback, self._left))
