"""ContextUnit and its parts: frozen models, and their way to the wire and back."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum
from types import ModuleType
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from contextcore import context_unit_pb2, origin
from contextcore.envelope import read_envelope, write_envelope
from contextcore.errors import UnitError, Violation
from contextcore.payload import read_struct, write_struct

_LABEL = re.compile(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+){1,2}")
_UUID4 = re.compile(
    "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)


def _uuid4(value: str) -> str:
    if not _UUID4.fullmatch(value):
        raise PydanticCustomError(
            "uuid4", "must be a UUIDv4, such as 1b4e28ba-2fa1-4d2b-883f-0016d3cca427"
        )
    return value


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _unicode(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("unicode", "is not valid Unicode") from None
    return value


UnitId = Annotated[str, AfterValidator(_uuid4)]
Text = Annotated[str, AfterValidator(_unicode)]
UtcDatetime = Annotated[AwareDatetime, AfterValidator(_utc)]


class Modality(IntEnum):
    """What kind of content the payload stands for."""

    TEXT = 0
    AUDIO = 1
    SPATIAL = 2
    IMAGE = 3


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class UnitMetrics(_Part):
    """What handling a unit cost, and how much it may cost (0: no limit)."""

    latency_ms: int = Field(default=0, ge=-(2**63), lt=2**63)
    cost_usd: float = 0.0
    tokens_used: int = Field(default=0, ge=-(2**31), lt=2**31)
    cost_limit_usd: float = 0.0


class SecurityScopes(_Part):
    """Scopes a holder needs to read the unit, or to write in its name."""

    read: list[Text] = Field(default_factory=list)
    write: list[Text] = Field(default_factory=list)


class CotStep(_Part):
    """One step an agent took on the way to a unit."""

    agent: Text = ""
    action: Text = ""
    status: Text = ""
    timestamp: UtcDatetime = Field(default_factory=origin.now)


class ContextUnit(_Part):
    """One message between services: ids, trace, payload, provenance, metrics, scopes.

    `payload` is a JSON object. Units are values: derive the answer to one with `child`, and treat
    the containers inside as read-only.
    """

    unit_id: UnitId = Field(default_factory=origin.new_id)
    trace_id: UnitId = Field(default_factory=origin.new_id)
    parent_unit_id: UnitId | None = None
    modality: Modality = Modality.TEXT
    payload: dict[str, Any] = Field(default_factory=dict)
    provenance: list[Text] = Field(default_factory=list)
    chain_of_thought: list[CotStep] = Field(default_factory=list)
    metrics: UnitMetrics = Field(default_factory=UnitMetrics)
    security: SecurityScopes = Field(default_factory=SecurityScopes)
    created_at: UtcDatetime = Field(default_factory=origin.now)

    def child(
        self,
        payload: Mapping[str, Any] | BaseModel,
        *,
        provenance: str,
        metrics: UnitMetrics | None = None,
    ) -> Self:
        """Derive the unit that answers or follows this one.

        It has an id of its own, this unit as its parent, the same trace and scopes, and this unit's
        provenance extended by one label.

        Args:
            payload: A JSON object, or a Pydantic model that dumps to one.
            provenance: `service:action` or `service:subsystem:action`.
            metrics: What this step cost.

        Raises:
            ValueError: The label has another form.
        """
        if not _LABEL.fullmatch(provenance):
            raise ValueError(
                f"provenance {provenance!r}: use service:action or service:subsystem:action"
            )
        content = payload.model_dump(mode="json") if isinstance(payload, BaseModel) else payload
        return type(self)(
            trace_id=self.trace_id,
            parent_unit_id=self.unit_id,
            modality=self.modality,
            payload=dict(content),
            provenance=[*self.provenance, provenance],
            chain_of_thought=self.chain_of_thought,
            metrics=metrics or UnitMetrics(),
            security=self.security,
        )

    def to_protobuf(self, module: ModuleType | None = None) -> context_unit_pb2.ContextUnit:
        """Encode for the wire.

        Args:
            module: The generated module the caller works with: `context_unit_pb2`, or any that
                imports it, such as `worker_pb2`.

        Raises:
            UnitError: The payload holds something that would not come out as it went in.
            TypeError: The module knows no ContextUnit.
        """
        message = write_envelope(self, _message_class(module))
        write_struct(message.payload, self.payload)
        return message

    @classmethod
    def from_protobuf(cls, message: context_unit_pb2.ContextUnit) -> Self:
        """Decode from the wire; a unit or step without a time gets the time of its arrival.

        Raises:
            UnitError: The message is no valid unit; names every wrong field.
        """
        violations: list[Violation] = []
        payload: dict[str, Any] = {}
        try:
            payload = read_struct(message.payload)
        except UnitError as error:
            violations += error.violations
        try:
            unit = cls(payload=payload, **read_envelope(message))
        except ValidationError as error:
            violations += (Violation(_path(item["loc"]), _said(item)) for item in error.errors())
        if violations:
            raise UnitError(violations)
        return unit


def _said(error: ErrorDetails) -> str:
    if error["type"].startswith("datetime"):  # what cannot be read as a time says why itself
        return f"is {error['input']}"
    return error["msg"].replace("Input should be", "must be", 1)


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")


def _message_class(module: ModuleType | None) -> type[context_unit_pb2.ContextUnit]:
    if module is None or module is context_unit_pb2:
        return context_unit_pb2.ContextUnit
    own: type[context_unit_pb2.ContextUnit] | None = getattr(module, "ContextUnit", None)
    if own is not None:
        return own
    file = getattr(module, "DESCRIPTOR", None)
    imported = {dependency.name for dependency in getattr(file, "dependencies", ())}
    if context_unit_pb2.DESCRIPTOR.name not in imported:
        raise TypeError(f"{module.__name__} is no generated module that imports context_unit.proto")
    return context_unit_pb2.ContextUnit
