"""Opens payloads, each by itself: one that cannot be read takes no other with it."""

import json
from collections.abc import Sequence

from temporalio.api.common.v1 import Payload

from contextworker.codec_server.readers import Reader
from contextworker.codec_server.settings import CodecServerSettings
from contextworker.codec_server.stored import StoredPayload, is_reference
from contextworker.core.encrypted_payload import ENCODING, KEY_ID_FIELD, TENANT_FIELD
from contextworker.core.encryption import Encryption, KeyRing, read_key_ring
from contextworker.core.errors import UnreadableError
from contextworker.core.external_storage import PayloadObjects
from contextworker.core.metrics.codec_server import PAYLOADS, Opened, Outcome
from contextworker.core.objects import ObjectStore


class ClosedError(Exception):
    """A payload is not opened for who asks; says why."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        """Say why in one word for operators, and in a sentence for who asks."""
        super().__init__(reason)
        self.outcome = outcome


class Opener:
    """Decrypts what a reader may read, and fetches it from the object store."""

    def __init__(
        self, ring: KeyRing | None, objects: PayloadObjects | None = None, *, max_bytes: int
    ) -> None:
        """Take what to open with.

        Args:
            ring: The keys; None to decrypt nothing.
            objects: Where large payloads lie; None to fetch nothing.
            max_bytes: How much the payloads of one request may come to.
        """
        self._ring = ring
        self._codec = None if ring is None else Encryption(ring)
        self._objects = objects
        self._max_bytes = max_bytes

    @classmethod
    def of(cls, settings: CodecServerSettings) -> "Opener":
        """Open with what the settings name.

        Raises:
            ConfigurationError: The keys cannot be read, or the object store not be opened.
        """
        objects = None
        if settings.external_payloads:
            objects = PayloadObjects(ObjectStore.from_url(settings.store_url))
        return cls(read_key_ring(settings), objects, max_bytes=settings.codec_max_answer_bytes)

    async def open(
        self, payloads: Sequence[Payload], reader: Reader, *, fetch: bool = True
    ) -> list[Payload]:
        """Return payloads as they were before they were encrypted and stored.

        In place of one that cannot or may not be opened stands the reason: Temporal's UI shows
        nothing else of a payload than its data, and a refusal of all as nothing but a red mark.

        Args:
            payloads: What Temporal has.
            reader: Who asks.
            fetch: Whether to read what lies in the object store; else its reference stays.
        """
        opened: list[Payload] = []
        room = self._max_bytes
        for payload in payloads:
            if is_reference(payload) and not fetch:
                result = payload
            else:
                try:
                    result = await self.open_one(payload, reader, room=room)
                except ClosedError as closed:
                    result = explained(payload, str(closed))
            room -= result.ByteSize()
            opened.append(result)
        return opened

    async def open_one(
        self, payload: Payload, reader: Reader, *, room: int | None = None
    ) -> Payload:
        """Return one payload, of so many bytes at most.

        Raises:
            ClosedError: It cannot or may not be opened.
        """
        try:
            opened = await self._opened(payload, reader, self._max_bytes if room is None else room)
        except ClosedError as closed:
            PAYLOADS.add(1, Opened(closed.outcome))
            raise
        PAYLOADS.add(1, Opened(Outcome.PLAIN if opened is payload else Outcome.OPENED))
        return opened

    async def _opened(self, payload: Payload, reader: Reader, room: int) -> Payload:
        if is_reference(payload):
            payload = await self._fetched(payload, reader, room)
        opened = payload
        if payload.metadata.get("encoding") == ENCODING:
            tenant_id = payload.metadata.get(TENANT_FIELD, b"").decode(errors="replace")
            _check_tenant(tenant_id or None, reader)
            opened = await self._decrypted(payload)
        self._check_size(opened.ByteSize(), room)
        return opened

    async def _fetched(self, payload: Payload, reader: Reader, room: int) -> Payload:
        try:
            stored = StoredPayload(payload)
            _check_tenant(stored.tenant_id, reader)
            if self._objects is None:
                raise ClosedError(
                    Outcome.UNREADABLE,
                    "it lies in the object store, which this codec server does not read: set "
                    "CONTEXTWORKER_EXTERNAL_PAYLOADS and CONTEXTWORKER_STORE_URL there, as the "
                    "workers have them",
                )
            self._check_size(stored.size, room)
            return await stored.read(self._objects)
        except UnreadableError as error:
            raise ClosedError(Outcome.UNREADABLE, str(error)) from None

    async def _decrypted(self, payload: Payload) -> Payload:
        key_id = payload.metadata.get(KEY_ID_FIELD, b"").decode(errors="replace")
        if self._ring is None or self._codec is None:
            raise ClosedError(
                Outcome.NO_KEY,
                f"it is encrypted with the key {key_id!r}, and this codec server has no keys: set "
                "CONTEXTWORKER_ENCRYPTION_KEYS or CONTEXTWORKER_ENCRYPTION_KEYS_FILE there",
            )
        if key_id not in self._ring.ids:
            raise ClosedError(
                Outcome.NO_KEY,
                f"it is encrypted with the key {key_id!r}, which this codec server does not have; "
                f"add it to {self._ring.setting} there",
            )
        try:
            return await self._codec.decrypt(payload)
        except UnreadableError:
            raise ClosedError(
                Outcome.UNREADABLE,
                f"the key {key_id!r} does not open it: the key of that id is another one here "
                f"({self._ring.setting}), or the payload was changed",
            ) from None

    def _check_size(self, size: int, room: int) -> None:
        if size > room:
            raise ClosedError(
                Outcome.TOO_LARGE,
                f"it and those before it are more than {self._max_bytes:,} bytes "
                "(CONTEXTWORKER_CODEC_MAX_ANSWER_BYTES)",
            )


def explained(payload: Payload, reason: str) -> Payload:
    """Return a text in a payload's place; what tells of its encryption stays in its metadata."""
    told = Payload(
        metadata=payload.metadata, data=json.dumps(f"[not decrypted: {reason}]").encode()
    )
    told.metadata["encoding"] = b"json/plain"
    return told


def _check_tenant(tenant_id: str | None, reader: Reader) -> None:
    if not reader.may_read(tenant_id):
        whose = f"of the tenant {tenant_id!r}" if tenant_id else "of no tenant"
        raise ClosedError(Outcome.FORBIDDEN, f"it is {whose}, which your token is not for")
