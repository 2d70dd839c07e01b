"""The way to Temporal for a command: one attempt, and its failures as sentences."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contextworker.cli.errors import DeployError
from contextworker.cli.output.hints import command
from contextworker.cli.stack.state import find_running
from contextworker.core.connection import load_config

WITHIN_S: Final = 30.0
_CONNECT_S: Final = 10.0
_NAMED_BY = ("TEMPORAL_ADDRESS", "TEMPORAL_HOST", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")
_AWAY = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED)
_FORBIDDEN = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED)


@asynccontextmanager
async def reach_temporal(environ: Mapping[str, str], state_dir: Path) -> AsyncIterator[Client]:
    """Connect to the Temporal that the environment names, else the running stack's.

    Raises:
        DeployError: It does not answer, or refuses; also for what fails inside the block.
    """
    config = load_config(environment(environ, state_dir))
    address, namespace = config["target_host"], config["namespace"]
    try:
        async with asyncio.timeout(_CONNECT_S):
            identity = f"contextworker-cli:{socket.gethostname()}:{os.getpid()}"
            client = await Client.connect(**config, identity=identity)
    except (TimeoutError, RuntimeError) as error:
        raise _away(address) from error
    try:
        async with asyncio.timeout(WITHIN_S):
            yield client
    except TimeoutError as error:
        raise _away(address) from error
    except RPCError as error:
        raise refusal(error, address, namespace) from error


def environment(environ: Mapping[str, str], state_dir: Path) -> Mapping[str, str]:
    """Return the variables to connect with: those given, or those of the running stack."""
    if any(environ.get(name) for name in _NAMED_BY):
        return environ
    running = find_running(state_dir)
    if running is None:
        return environ
    own = running.ui is not None  # else the stack works on somebody's server, as the shell may say
    kept = {k: v for k, v in environ.items() if not (own and k.startswith("TEMPORAL_"))}
    return kept | {"TEMPORAL_ADDRESS": running.temporal, "TEMPORAL_CONFIG_FILE": os.devnull}


def _away(address: str) -> DeployError:
    return DeployError(
        f"No Temporal answers at {address}.",
        [
            f"Start one here with:       {command('up')}",
            "or name another one with:  TEMPORAL_ADDRESS=HOST:PORT",
        ],
    )


def refusal(error: RPCError, address: str, namespace: str) -> DeployError:
    """Say what a failed call means to the person who made it."""
    if error.status in _AWAY:
        return _away(address)
    if error.status in _FORBIDDEN:
        return DeployError(
            f"The Temporal at {address} does not permit this in the namespace {namespace!r}.",
            [f"It says: {error.message}", "TEMPORAL_API_KEY and TEMPORAL_TLS_* say who you are."],
        )
    if error.status is RPCStatusCode.UNIMPLEMENTED:
        return DeployError(
            f"The Temporal at {address} knows no Worker Versioning: it is too old, or has it "
            "switched off.",
            [f"It says: {error.message}"],
        )
    if error.status is RPCStatusCode.NOT_FOUND and "namespace" in error.message.lower():
        return DeployError(
            f"The Temporal at {address} has no namespace {namespace!r}; name one with "
            "TEMPORAL_NAMESPACE."
        )
    return DeployError(f"The Temporal at {address} refuses: {error.message}")
