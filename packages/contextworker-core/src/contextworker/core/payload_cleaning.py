"""Deletes payloads from the object store by their age: nobody else knows when they are done with.

A run's history refers to them as long as Temporal keeps it.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from contextworker.core.errors import ContextWorkerError
from contextworker.core.external_storage import FOLDER
from contextworker.core.objects import ObjectStore
from contextworker.core.settings import RuntimeSettings

_log = logging.getLogger(__name__)
_SWEEPS = "_sweeps"  # no tenant's id begins so
_EVERY_S = 3600.0
_MOST_DAYS = 1000  # in one sweep: the rest is the next one's


@dataclass(frozen=True)
class OldPayloads:
    """The payloads of one tenant that were stored on one day."""

    tenant_id: str
    day: date

    @property
    def prefix(self) -> str:
        """Where they lie."""
        return f"{self.tenant_id}/{FOLDER}/{self.day.isoformat()}"


async def old_payloads(store: ObjectStore, *, before: date) -> list[OldPayloads]:
    """Find what was stored before a day, the oldest first.

    Raises:
        TransientError: The store is away.
    """
    found = [
        OldPayloads(tenant_id, day)
        for tenant_id in await store.folders()
        for name in await store.folders(f"{tenant_id}/{FOLDER}/")
        if (day := _day(name)) is not None and day < before
    ]
    return sorted(found, key=lambda item: (item.day, item.tenant_id))


def first_day_kept(retention_days: int) -> date:
    """Return the first day of which payloads stay."""
    return datetime.now(UTC).date() - timedelta(days=retention_days)


async def clean(
    store: ObjectStore, *, retention_days: int, most: int | None = None
) -> list[OldPayloads]:
    """Delete what was stored more than so many days ago; two at once do no harm.

    Args:
        store: Where payloads lie.
        retention_days: What is younger stays.
        most: Of how many days and tenants at most; None for all.

    Raises:
        TransientError: The store is away; what was deleted stays so.
    """
    found = (await old_payloads(store, before=first_day_kept(retention_days)))[:most]
    for item in found:
        await store.delete_all(item.prefix)
    return found


@asynccontextmanager
async def cleaning(settings: RuntimeSettings) -> AsyncIterator[None]:
    """Clean while the block runs: one process an hour, whichever of all that share a store."""
    if not settings.external_payloads or not settings.payload_retention_days:
        yield
        return
    store = ObjectStore.from_url(settings.store_url)
    sweeping = asyncio.create_task(_sweep_hourly(store, settings.payload_retention_days))
    try:
        yield
    finally:
        sweeping.cancel()


async def _sweep_hourly(store: ObjectStore, retention_days: int) -> None:
    while True:
        await asyncio.sleep(random.uniform(0, _EVERY_S))  # noqa: S311 - no secret
        try:
            await sweep(store, retention_days=retention_days)
        except (ContextWorkerError, OSError) as error:
            _log.warning("old payloads were not deleted: %s; tried again in an hour", error)


async def sweep(store: ObjectStore, *, retention_days: int) -> None:
    """Clean, unless another process did or does within this hour.

    Raises:
        TransientError: The store is away.
    """
    hour = datetime.now(UTC).strftime("%Y-%m-%dT%H")
    mark = f"{_SWEEPS}/{hour}"
    if not await store.create(mark):
        return
    await store.delete_all(_SWEEPS, but=[mark])
    if cleaned := await clean(store, retention_days=retention_days, most=_MOST_DAYS):
        _log.info(
            "deleted payloads of %d days before %s",
            len(cleaned),
            cleaned[-1].day + timedelta(days=1),
        )


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
