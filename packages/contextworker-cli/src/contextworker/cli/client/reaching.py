"""A client of the gateway that a command is for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final

from cyclopts import Parameter

from contextworker.cli.address import find_gateway
from contextworker.cli.client.failures import told
from contextworker.cli.errors import UsageError
from contextworker.core.client import (
    AsyncWorkerClient,
    ClientError,
    ClientSettings,
    UnencryptedTokenError,
)
from contextworker.core.client.setup import ATTEMPT_TIMEOUT_S
from contextworker.core.errors import ConfigurationError

SERVICE: Final = "cli"
_TIMEOUT_S: Final = 15.0
_ATTEMPTS: Final = 3  # a person would rather know than wait


@Parameter(name="*")
@dataclass(frozen=True)
class Gateway:
    """Which gateway a command talks to."""

    address: Annotated[
        str | None,
        Parameter(
            name="--address",
            help="host:port of the gateway. Default: WORKER_ADDRESS, else the stack that `up` runs "
            "here, else 127.0.0.1:50052.",
        ),
    ] = None
    insecure: Annotated[
        bool,
        Parameter(
            name="--insecure",
            negative=(),
            help="Send WORKER_TOKEN unencrypted, although the gateway is on another machine.",
        ),
    ] = False

    @asynccontextmanager
    async def client(
        self, *, attempt_timeout: float = ATTEMPT_TIMEOUT_S
    ) -> AsyncIterator[AsyncWorkerClient]:
        """Open a client of it; what fails inside the block is told in the command line's words.

        Args:
            attempt_timeout: Seconds that one attempt of a call may take.

        Raises:
            CliError: A call failed, or the client cannot be made as it is told to.
        """
        settings = ClientSettings()
        found = find_gateway(self.address)
        try:
            client = AsyncWorkerClient(
                found.address,
                token=settings.bearer,
                tls=not found.is_own_stack and settings.security,
                insecure=self.insecure or settings.insecure,
                service=SERVICE,
                timeout=_TIMEOUT_S,
                attempt_timeout=attempt_timeout,
                attempts=_ATTEMPTS,
            )
        except UnencryptedTokenError:
            raise UsageError(
                f"WORKER_TOKEN would travel to {found.address} unencrypted, for anybody on the way "
                "to use: set WORKER_TLS=true, or WORKER_TLS_CA_FILE where an authority of your own "
                "signed the gateway's certificate; or give --insecure where the network itself is "
                "trusted."
            ) from None
        except ConfigurationError as error:
            raise UsageError(str(error)) from error
        async with told_failures(found.address), client:
            yield client


HERE: Final = Gateway()
"""What a command talks to where no option says otherwise."""


@asynccontextmanager
async def told_failures(address: str) -> AsyncIterator[None]:
    """Tell a client's failures in the command line's words."""
    try:
        yield
    except ClientError as error:
        raise told(error, address) from error
