"""How values travel through Temporal: ContextUnits as `json/protobuf`, the rest through Pydantic.

A unit is stored as its canonical protobuf JSON with the message type `contextcore.ContextUnit`, so
that Temporal's UI and SDKs of other languages can read it.
"""

from typing import Any

from pydantic import BaseModel
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    EncodingPayloadConverter,
    JSONProtoPayloadConverter,
)

from contextcore import ContextUnit, context_unit_pb2
from contextworker.core.unit_json import read_unit, write_unit

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
            *(units if item.encoding == units.encoding else item for item in inherited)
        )


DATA_CONVERTER = DataConverter(payload_converter_class=ContextPayloadConverter)
