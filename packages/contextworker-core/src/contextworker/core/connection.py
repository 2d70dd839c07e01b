"""The way to Temporal: its standard environment, and patience while it is down."""

import logging
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import stamina
from temporalio import client, worker
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime
from temporalio.service import KeepAliveConfig

from contextworker.core.converter import DATA_CONVERTER
from contextworker.core.errors import ConfigurationError
from contextworker.core.plugin import ContextPlugin

_log = logging.getLogger(__name__)
_DEFAULT_ADDRESS = "localhost:7233"
_DEFAULT_PORT = 7233
_MAX_WAIT_S = 15.0
# A server whose machine or network went silent closes nothing. Pings find that out within 20 s, the
# SDK's own within 45, and an attempt to connect is made anew rather than left to TCP, which waits
# ever longer; so the connection is back when the network is. Temporal takes a ping every 10 s.
_KEEP_ALIVE = KeepAliveConfig(interval_millis=15_000, timeout_millis=5_000)
_CONNECT_TIMEOUT = timedelta(seconds=3)


async def connect(
    *shared_modules: str,
    lazy: bool = False,
    environment: Mapping[str, str] | None = None,
    runtime: Runtime | None = None,
    data_converter: DataConverter = DATA_CONVERTER,
    interceptors: Sequence[client.Interceptor | worker.Interceptor] = (),
) -> Client:
    """Connect to Temporal as its environment says, waiting while it is down.

    Reads TEMPORAL_ADDRESS (or its alias TEMPORAL_HOST), TEMPORAL_NAMESPACE, TEMPORAL_API_KEY,
    TEMPORAL_TLS_* and profiles.

    Args:
        shared_modules: See `ContextPlugin`.
        lazy: Return at once and connect at the first call, for a process that has to be up before
            Temporal is. Workers need a connected client.
        environment: The variables to read; the process's own when left out.
        runtime: The SDK's runtime, where the process has one of its own: see `metrics_runtime`.
        data_converter: See `ContextPlugin`.
        interceptors: See `ContextPlugin`.

    Raises:
        ConfigurationError: The settings cannot be right, so waiting would not help.
    """
    config = load_config(os.environ if environment is None else environment)
    plugin = ContextPlugin(
        *shared_modules, data_converter=data_converter, interceptors=interceptors
    )
    address = config["target_host"]
    async for attempt in stamina.retry_context(
        on=_is_outage, attempts=None, timeout=None, wait_initial=0.2, wait_max=_MAX_WAIT_S
    ):
        with attempt:
            try:
                return await Client.connect(
                    **config,
                    lazy=lazy,
                    plugins=[plugin],
                    runtime=runtime,
                    keep_alive_config=_KEEP_ALIVE,
                    connect_timeout=_CONNECT_TIMEOUT,
                )
            except RuntimeError as error:
                if not _is_outage(error):
                    raise ConfigurationError(
                        f"Temporal at {address} refuses the connection: {error}"
                    ) from error
                _log.warning(
                    "Temporal does not answer at %s; attempt %d failed, trying again (%s)",
                    address,
                    attempt.num,
                    error,
                )
                raise
    raise AssertionError("unreachable: attempts are unlimited")


def load_config(environment: Mapping[str, str]) -> ClientConnectConfig:
    """Read Temporal's connection settings; `target_host` and `namespace` are always set.

    Raises:
        ConfigurationError: A profile, certificate or key named there cannot be read, or the
            address is none.
    """
    variables = dict(environment)
    host = variables.get("TEMPORAL_HOST")
    if host and not variables.get("TEMPORAL_ADDRESS"):
        variables["TEMPORAL_ADDRESS"] = host if ":" in host else f"{host}:{_DEFAULT_PORT}"
    try:
        config = ClientConfig.load_client_connect_config(override_env_vars=variables)
    except (RuntimeError, ValueError, OSError) as error:
        raise ConfigurationError(f"Temporal's settings cannot be read: {error}") from error
    config["target_host"] = _checked(config.get("target_host") or _DEFAULT_ADDRESS)
    config["namespace"] = config.get("namespace") or "default"
    return config


def _checked(address: str) -> str:
    """Refuse what is no address now: a lazy client would only find out at its first call."""
    if "@" in address:  # never quoted: logs name the address
        raise ConfigurationError(
            "TEMPORAL_ADDRESS has a name or a password before its host; give host:port alone, and "
            "an API key as TEMPORAL_API_KEY"
        )
    try:
        parts = urlsplit(f"//{address.rpartition('://')[2]}")
        valid = bool(parts.hostname and parts.port)
    except ValueError:
        valid = False
    if not valid or any(character.isspace() for character in address):
        raise ConfigurationError(f"TEMPORAL_ADDRESS {address!r} is no host:port")
    return address


def _is_outage(error: Exception) -> bool:
    """Tell a server that is away from one that says no."""
    if not isinstance(error, RuntimeError):
        return False
    message = str(error).lower()
    return not any(
        refusal in message
        for refusal in ("unauthenticated", "permission", "certificate", "invalid", "unauthorized")
    )
