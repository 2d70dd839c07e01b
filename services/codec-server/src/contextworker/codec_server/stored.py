"""Payloads that lie in the object store, where Temporal has a reference only."""

from google.protobuf import json_format
from temporalio.api.common.v1 import Payload
from temporalio.api.sdk.v1.external_storage_pb2 import ExternalStorageReference
from temporalio.converter import StorageDriverClaim, StorageDriverRetrieveContext

from contextworker.core.errors import UnreadableError
from contextworker.core.external_storage import DRIVER, NO_TENANT, PayloadObjects

_MESSAGE_TYPE = ExternalStorageReference.DESCRIPTOR.full_name.encode()


def is_reference(payload: Payload) -> bool:
    """Tell whether a payload is a reference to one in a store."""
    return (
        payload.metadata.get("encoding") == b"json/protobuf"
        and payload.metadata.get("messageType") == _MESSAGE_TYPE
    )


class StoredPayload:
    """What a reference says of a payload.

    Raises:
        UnreadableError: It is none of ours.
    """

    def __init__(self, payload: Payload) -> None:
        """Read a payload that `is_reference`."""
        reference = ExternalStorageReference()
        try:
            json_format.Parse(payload.data, reference, ignore_unknown_fields=True)
        except (json_format.ParseError, ValueError, RecursionError):
            raise UnreadableError("a payload's reference into a store cannot be read") from None
        if reference.driver_name != DRIVER:
            raise UnreadableError("a payload lies in a store that is none of ours")
        self._claim = StorageDriverClaim(dict(reference.claim_data))

    @property
    def tenant_id(self) -> str | None:
        """Whose payload it is: objects lie under their tenant's name."""
        tenant_id = self._claim.claim_data.get("key", "").partition("/")[0]
        return None if tenant_id in ("", NO_TENANT) else tenant_id

    @property
    def size(self) -> int:
        """How many bytes it has, as the reference says."""
        size = self._claim.claim_data.get("size", "")
        return int(size) if size.isdecimal() and len(size) < len(str(1 << 63)) else 1 << 63

    async def read(self, objects: PayloadObjects) -> Payload:
        """Read the payload.

        Raises:
            UnreadableError: It is not in the store, or the store is away.
        """
        (payload,) = await objects.retrieve(StorageDriverRetrieveContext(), [self._claim])
        return payload
