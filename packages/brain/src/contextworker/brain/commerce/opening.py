"""Opening the Brain behind a CommerceService."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contextworker.brain.commerce.address import parse_commerce_url
from contextworker.brain.commerce.client import connect
from contextworker.brain.commerce.store import CommerceBrain
from contextworker.brain.settings import BrainSettings
from contextworker.brain.sql.database import open_database
from contextworker.brain.sql.migrating import ensure_head
from contextworker.brain.sql.tenancy import warn_if_exempt
from contextworker.brain.sql.urls import parse_url


@asynccontextmanager
async def open_commerce(url: str, settings: BrainSettings) -> AsyncIterator[CommerceBrain]:
    """Open the ledger and the channel to the service, which must answer.

    Raises:
        ConfigurationError: An address or a file of TLS is wrong, the ledger cannot be used as it
            is, or the service lets nobody in.
        TransientError: The service or the ledger does not answer now.
    """
    address = parse_commerce_url(url, settings)
    target = parse_url(settings.ledger_url.get_secret_value(), variable="BRAIN_LEDGER_URL")
    async with (
        open_database(target, settings) as ledger,
        connect(
            address, timeout_s=settings.call_timeout_s, concurrency=settings.concurrent_calls
        ) as service,
    ):
        await ensure_head(ledger, migrating=settings.migrate)
        await ledger.read(warn_if_exempt, ledger.name)
        await service.ping()
        yield CommerceBrain(ledger, service)
