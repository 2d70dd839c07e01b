"""Ports on the loopback interface: which are free, and what to say when one is not."""

import secrets
import socket
import sys
from contextlib import ExitStack
from typing import NamedTuple

from contextworker.cli.errors import StackError

LOOPBACK = "127.0.0.1"
# Below every system's range for outgoing connections: a port from that range, as bind(0) gives
# them, may be taken by any connection opened between our choice and the server's bind.
_QUIET_RANGE = range(20_000, 32_000)
_TRIES = 200


class PortWish(NamedTuple):
    """A port a process of the stack wants.

    `fixed` is what the person asked for and nothing else will do; `preferred` is the well-known
    one, taken where it is free.
    """

    what: str
    option: str
    fixed: int | None = None
    preferred: int | None = None


def choose_ports(*wishes: PortWish) -> list[int]:
    """Return one free port per wish, all different.

    Raises:
        StackError: A fixed port is in use, or named twice.
    """
    chosen: dict[int, int] = {}
    with ExitStack() as held:  # every port stays bound until all are chosen, so none comes twice
        for index, wish in sorted(enumerate(wishes), key=lambda item: item[1].fixed is None):
            if wish.fixed is not None:
                bound = _bind(wish.fixed)
                if bound is None:
                    raise StackError(
                        f"Port {wish.fixed} for {wish.what} is in use on {LOOPBACK}: "
                        f"stop what uses it, or give another {wish.option}."
                    )
            else:
                bound = (_bind(wish.preferred) if wish.preferred else None) or _bind_any()
            if bound is None:
                raise StackError(f"No port is free on {LOOPBACK} for {wish.what}.")
            held.enter_context(bound)
            chosen[index] = int(bound.getsockname()[1])
    return [chosen[index] for index in range(len(wishes))]


def in_use(port: int) -> bool:
    """Tell whether some program listens on a port."""
    if (bound := _bind(port)) is None:
        return True
    bound.close()
    return False


def _bind_any() -> socket.socket | None:
    tried = (_bind(port) for port in secrets.SystemRandom().sample(_QUIET_RANGE, _TRIES))
    return next((bound for bound in tried if bound is not None), None)


def _bind(port: int) -> socket.socket | None:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there the option means: take it from whoever has it
            # As servers do: a port whose last connections linger in TIME_WAIT is free.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
        bound.listen(1)  # with that option, only a listening socket keeps others off
    except (OSError, OverflowError):
        bound.close()
        return None
    return bound
