"""How an encrypted payload is marked, and what is told of one where nothing decrypts."""

from typing import Any, NoReturn

from temporalio.api.common.v1 import Payload
from temporalio.converter import EncodingPayloadConverter

from contextworker.core.errors import UnreadableError
from contextworker.core.metrics.instruments import NoLabels
from contextworker.core.metrics.stores import DECRYPTION_FAILURES

ENCODING = b"binary/encrypted"
KEY_ID_FIELD = "encryption-key-id"
CIPHER_FIELD = "encryption-cipher"
TENANT_FIELD = "encryption-tenant"
"""Whose run it is of, so that the codec server can tell who may read it; covered by the tag."""


class EncryptedPayloads(EncodingPayloadConverter):
    """Tells of a payload that reached the converter encrypted, so that a person can act."""

    @property
    def encoding(self) -> str:
        """The encoding this converter answers for."""
        return ENCODING.decode()

    def to_payload(self, value: Any) -> Payload | None:  # noqa: ARG002 - the SDK's signature
        """Leave every value to other converters."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:  # noqa: ARG002 - the SDK's signature
        """Refuse: see `refuse`."""
        refuse(payload)


def refuse(payload: Payload) -> NoReturn:
    """Count, and say which key it takes to read, a payload that nothing here decrypts.

    Raises:
        UnreadableError: Always.
    """
    DECRYPTION_FAILURES.add(1, NoLabels())
    key_id = payload.metadata.get(KEY_ID_FIELD, b"").decode(errors="replace")
    raise UnreadableError(
        f"a payload is encrypted with the key {key_id!r}, and this process has no keys: set "
        "CONTEXTWORKER_ENCRYPTION_KEYS or CONTEXTWORKER_ENCRYPTION_KEYS_FILE; nothing is lost, it "
        "is tried again"
    )
