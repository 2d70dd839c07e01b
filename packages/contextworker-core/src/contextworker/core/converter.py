"""How values travel through Temporal: ContextUnits as `json/protobuf`, the rest through Pydantic.

A unit is stored as its canonical protobuf JSON with the message type `contextcore.ContextUnit`, so
that Temporal's UI and SDKs of other languages can read it.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    ActivitySerializationContext,
    CompositePayloadConverter,
    DataConverter,
    EncodingPayloadConverter,
    JSONProtoPayloadConverter,
    SerializationContext,
)

from contextcore import ContextUnit, context_unit_pb2
from contextworker.core.encrypted_payload import EncryptedPayloads
from contextworker.core.errors import UnreadableError
from contextworker.core.failures import PatientFailureConverter
from contextworker.core.uncounted import take_back
from contextworker.core.unit_json import read_unit, write_unit

_NO_STORE = "[TMPRL1105]"  # how the SDK begins to say that external storage is not configured
_MESSAGE_TYPE = context_unit_pb2.ContextUnit.DESCRIPTOR.full_name.encode()


class ContextUnitConverter(EncodingPayloadConverter):
    """Converts ContextUnits, and leaves every other protobuf message to the SDK's converter.

    Decoding is chosen by the `encoding` metadata alone, so the converter of one message type has to
    stand in for the SDK's converter of that whole encoding.
    """

    def __init__(self) -> None:
        self._messages = JSONProtoPayloadConverter()

    @property
    def encoding(self) -> str:
        """The encoding this converter answers for."""
        return self._messages.encoding

    def to_payload(self, value: Any) -> Payload | None:
        """Encode a unit or a protobuf message; None for anything else."""
        if not isinstance(value, ContextUnit):
            return self._messages.to_payload(value)
        return Payload(
            metadata={"encoding": self.encoding.encode(), "messageType": _MESSAGE_TYPE},
            data=write_unit(value),
        )

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Decode a unit, unless the caller asks for the protobuf message itself."""
        asked_for_message = type_hint is context_unit_pb2.ContextUnit
        if payload.metadata.get("messageType") != _MESSAGE_TYPE or asked_for_message:
            return self._messages.from_payload(payload, type_hint)
        unit = read_unit(payload.data)
        if type_hint is not None and issubclass(type_hint, BaseModel):
            return unit if isinstance(unit, type_hint) else type_hint.model_validate(unit.payload)
        return unit


class ContextPayloadConverter(CompositePayloadConverter):
    """The SDK's Pydantic converter, with ContextUnits taught to it."""

    def __init__(self) -> None:
        units = ContextUnitConverter()
        inherited = PydanticPayloadConverter().converters.values()
        super().__init__(
            *(units if item.encoding == units.encoding else item for item in inherited),
            EncryptedPayloads(),
        )


@dataclass(frozen=True)
class PatientDataConverter(DataConverter):
    """Has the attempt at an activity taken back whose input or heartbeat cannot be read yet."""

    activity: ActivitySerializationContext | None = None
    """Whose values are read; None where they are no activity's."""

    async def decode(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        """Decode payloads into values.

        Raises:
            UnreadableError: The key to one is missing, or the store it lies in.
        """
        try:
            return await self._decode(payloads, type_hints)
        except UnreadableError:
            if self.activity is not None:
                await take_back(self.activity)
            raise

    async def _decode(
        self, payloads: Sequence[Payload], type_hints: list[type] | None
    ) -> list[Any]:
        try:
            return await super().decode(payloads, type_hints)
        except RuntimeError as error:
            if not str(error).startswith(_NO_STORE):
                raise
            raise UnreadableError(
                "a payload lies in the object store, which this process does not read: set "
                "CONTEXTWORKER_EXTERNAL_PAYLOADS and CONTEXTWORKER_STORE_URL as every other "
                "member has them; nothing is lost, it is tried again"
            ) from None

    def with_context(self, context: SerializationContext) -> Self:
        """Return the converter of what the context names."""
        converter = super().with_context(context)
        if not isinstance(context, ActivitySerializationContext):
            return converter
        if converter is self:
            converter = copy(self)
        object.__setattr__(converter, "activity", context)  # as the SDK binds the others
        return converter


DATA_CONVERTER = PatientDataConverter(
    payload_converter_class=ContextPayloadConverter,
    failure_converter_class=PatientFailureConverter,
)
