"""The ContextUnit: the one envelope that ContextUnity services send and receive."""

from contextcore import (
    commerce_pb2,
    commerce_pb2_grpc,
    context_unit_pb2,
    worker_pb2,
    worker_pb2_grpc,
)
from contextcore.errors import UnitError, Violation
from contextcore.unit import ContextUnit, CotStep, Modality, SecurityScopes, UnitMetrics

__all__ = [
    "ContextUnit",
    "CotStep",
    "Modality",
    "SecurityScopes",
    "UnitError",
    "UnitMetrics",
    "Violation",
    "commerce_pb2",
    "commerce_pb2_grpc",
    "context_unit_pb2",
    "worker_pb2",
    "worker_pb2_grpc",
]
