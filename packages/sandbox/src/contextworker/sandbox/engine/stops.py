"""What a turn of code came to, as the engine tells it."""

from dataclasses import dataclass

from contextworker.sandbox.messages import Finished, ToolCall


@dataclass(frozen=True)
class Printed:
    """What a turn wrote."""

    stdout: str = ""
    stderr: str = ""


@dataclass(frozen=True)
class Ended:
    """The code came to its end, or was ended."""

    printed: Printed
    finished: Finished


@dataclass(frozen=True)
class Asked:
    """The code waits for the answer to a call."""

    printed: Printed
    call: ToolCall
    snapshot: bytes


class NotInTimeError(Exception):
    """The fast lane's time is over: nothing has happened, run the turn again without a limit."""


Stop = Ended | Asked
