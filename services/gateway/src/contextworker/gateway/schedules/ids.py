"""Names schedules and their runs in Temporal: no two tenants ever share a name."""

import uuid

from google.protobuf.timestamp_pb2 import Timestamp

from contextworker.core.workflow_ids import escape

_REQUESTS = uuid.UUID("0f6c5f1e-2f4e-5c0b-8d0a-8a7c2a1f3b55")


def temporal_id(tenant_id: str, schedule_id: str) -> str:
    """Name a tenant's schedule: the tenant's own dashes are escaped, so the first one ends it."""
    return f"{escape(tenant_id)}-{escape(schedule_id, last=True)}"


def run_base(workflow_type: str, tenant_id: str, schedule_id: str) -> str:
    """Name a schedule's runs, but for the time that Temporal writes behind it."""
    return f"{escape(workflow_type)}-{temporal_id(tenant_id, schedule_id)}"


def run_id_at(base: str, time: Timestamp) -> str:
    """Name the run of a time, as Temporal does: to the second."""
    return f"{base}-{Timestamp(seconds=time.seconds).ToJsonString()}"


def request_id(unit_id: str, *about: str) -> str:
    """Name a request to Temporal, so that the same unit's is the same one."""
    return str(uuid.uuid5(_REQUESTS, "/".join([unit_id.lower(), *about])))
