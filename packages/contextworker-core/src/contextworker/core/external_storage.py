"""Payloads too large for Temporal: they lie in the object store, and Temporal has a reference.

The SDK stores what the codec made, so that objects are encrypted where payloads are.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self

from pydantic import TypeAdapter, ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    ExternalStorage,
    SerializationContext,
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from contextworker.core.errors import ContextWorkerError, UnreadableError
from contextworker.core.messages import ObjectRef, TenantId
from contextworker.core.objects import ObjectStore
from contextworker.core.workflow_ids import tenant_in

DRIVER = "contextworker"
FOLDER = "payloads"
NO_TENANT = "_"
"""Stands in a tenant's place; no tenant's id begins with it."""

_KEY = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]*/{FOLDER}/\d{{4}}-\d\d-\d\d/[0-9a-f]{{64}}")
_TENANT: TypeAdapter[str] = TypeAdapter(TenantId)


class PayloadObjects(StorageDriver):
    """Keeps payloads as `<tenant>/payloads/<date>/<sha256>`, so that they can go by age."""

    def __init__(self, store: ObjectStore, *, context: SerializationContext | None = None) -> None:
        """Keep payloads in a store; the context says whose they are."""
        self._store = store
        self._tenant_id = _tenant_of(context)

    def name(self) -> str:
        """Return what references name it by."""
        return DRIVER

    def within(self, context: SerializationContext) -> Self:
        """Return the driver that keeps the payloads of the context's tenant."""
        return type(self)(self._store, context=context)

    async def store(
        self,
        context: StorageDriverStoreContext,  # noqa: ARG002 - the SDK's signature
        payloads: Sequence[Payload],
    ) -> list[StorageDriverClaim]:
        """Store payloads. Idempotent: the same payload on the same day is the same object."""
        today = datetime.now(UTC).date().isoformat()
        prefix = f"{self._tenant_id or NO_TENANT}/{FOLDER}/{today}"
        stored = await asyncio.gather(
            *(self._store.put(payload.SerializeToString(), prefix=prefix) for payload in payloads)
        )
        return [
            StorageDriverClaim({"key": reference.key, "size": str(reference.size)})
            for reference in stored
        ]

    async def retrieve(
        self,
        context: StorageDriverRetrieveContext,  # noqa: ARG002 - the SDK's signature
        claims: Sequence[StorageDriverClaim],
    ) -> list[Payload]:
        """Read payloads back.

        Raises:
            UnreadableError: One is not in this process's store, or the store is away.
        """
        return list(await asyncio.gather(*map(self._retrieved, claims)))

    async def _retrieved(self, claim: StorageDriverClaim) -> Payload:
        key, size = claim.claim_data.get("key", ""), claim.claim_data.get("size", "")
        # A reference is no way to whatever else lies in the store.
        if not _KEY.fullmatch(key) or not size.isdecimal():
            raise UnreadableError("a payload's reference into the object store is none of ours")
        try:
            return Payload.FromString(await self._store.get(ObjectRef(key=key, size=int(size))))
        except ContextWorkerError as error:
            raise UnreadableError(
                f"a payload lies in the object store and cannot be read: {_reason(error)}; every "
                "member needs the same CONTEXTWORKER_STORE_URL, and payloads older than "
                "CONTEXTWORKER_PAYLOAD_RETENTION_DAYS are deleted"
            ) from None


class PayloadStorage(ExternalStorage, WithSerializationContext):
    """The SDK's external storage, with each tenant's payloads under the tenant's own prefix."""

    def with_context(self, context: SerializationContext) -> Self:
        """Return the storage of the tenant whose run the context names."""
        drivers = [
            driver.within(context) if isinstance(driver, PayloadObjects) else driver
            for driver in self.drivers
        ]
        return replace(self, drivers=drivers)


def payload_storage(store: ObjectStore, *, threshold_bytes: int) -> PayloadStorage:
    """Keep payloads of that size and above in a store."""
    return PayloadStorage(drivers=[PayloadObjects(store)], payload_size_threshold=threshold_bytes)


def _tenant_of(context: SerializationContext | None) -> str | None:
    if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
        return None
    try:
        return _TENANT.validate_python(tenant_in(context.workflow_id or ""))
    except ValidationError:
        return None


def _reason(error: ContextWorkerError) -> str:
    return str(error).partition(";")[0]
