"""The codec that encrypts every payload on its way to Temporal."""

import asyncio
from collections.abc import Sequence
from typing import Self

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from contextworker.core.encrypted_payload import (
    CIPHER_FIELD,
    ENCODING,
    KEY_ID_FIELD,
    TENANT_FIELD,
)
from contextworker.core.encryption.cipher import CIPHER, CannotOpenError, seal, unseal
from contextworker.core.encryption.key_ring import KeyRing
from contextworker.core.errors import UnreadableError
from contextworker.core.metrics.instruments import NoLabels
from contextworker.core.metrics.stores import DECRYPTION_FAILURES
from contextworker.core.workflow_ids import tenant_in

_IN_A_THREAD_BYTES = 256 * 1024  # what takes longer than a handing over


class Encryption(PayloadCodec, WithSerializationContext):
    """Encrypts with the current key of the run's tenant, and decrypts with any key of the ring.

    What is not encrypted stays readable: a system in use can begin to encrypt.
    """

    def __init__(self, ring: KeyRing, *, context: SerializationContext | None = None) -> None:
        """Encrypt with a ring's keys; without a context, with the one for all tenants."""
        self._ring = ring
        self._tenant_id = _tenant_of(context)

    def with_context(self, context: SerializationContext) -> Self:
        """Return the codec of the tenant whose run the context names."""
        return type(self)(self._ring, context=context)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt payloads, metadata included."""
        current = self._ring.current_for(self._tenant_id)
        if current is None:
            return list(payloads)
        key_id, key = current
        tenant_id = self._tenant_id or ""
        return [await _encrypted(payload, key, key_id, tenant_id) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what is encrypted among payloads.

        Raises:
            UnreadableError: One was encrypted with a key that the ring does not have, or was
                changed.
        """
        try:
            return [
                await self.decrypt(payload)
                if payload.metadata.get("encoding") == ENCODING
                else payload
                for payload in payloads
            ]
        except UnreadableError:
            DECRYPTION_FAILURES.add(1, NoLabels())
            raise

    async def decrypt(self, payload: Payload) -> Payload:
        """Decrypt one payload that is encrypted; nobody is told where that fails.

        Raises:
            UnreadableError: See `decode`.
        """
        key_id = payload.metadata.get(KEY_ID_FIELD, b"").decode(errors="replace")
        cipher = payload.metadata.get(CIPHER_FIELD, b"").decode(errors="replace")
        tenant_id = payload.metadata.get(TENANT_FIELD, b"").decode(errors="replace")
        if not key_id or cipher != CIPHER:
            raise UnreadableError(
                f"a payload is encrypted in another way than this release does: cipher "
                f"{cipher or 'not named'}, key {key_id or 'not named'}"
            )
        key = self._ring.key(key_id)
        try:
            if len(payload.data) > _IN_A_THREAD_BYTES:
                data = await asyncio.to_thread(unseal, payload.data, key, key_id, tenant_id)
            else:
                data = unseal(payload.data, key, key_id, tenant_id)
            return Payload.FromString(data)
        except (CannotOpenError, DecodeError):
            raise UnreadableError(
                f"a payload cannot be decrypted with the key {key_id!r}: the key of that id is "
                f"another one here ({self._ring.setting}), or the payload was changed"
            ) from None


async def _encrypted(payload: Payload, key: bytes, key_id: str, tenant_id: str) -> Payload:
    plain = payload.SerializeToString()
    if len(plain) > _IN_A_THREAD_BYTES:
        data = await asyncio.to_thread(seal, plain, key, key_id, tenant_id)
    else:
        data = seal(plain, key, key_id, tenant_id)
    metadata = {
        "encoding": ENCODING,
        KEY_ID_FIELD: key_id.encode(),
        CIPHER_FIELD: CIPHER.encode(),
    }
    if tenant_id:
        metadata[TENANT_FIELD] = tenant_id.encode()
    return Payload(metadata=metadata, data=data)


def _tenant_of(context: SerializationContext | None) -> str | None:
    if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
        return None
    return tenant_in(context.workflow_id or "")
