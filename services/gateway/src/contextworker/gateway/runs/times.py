"""Times as replies show them: ISO 8601 in UTC, to the millisecond."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def moment(timestamp: Timestamp) -> datetime | None:
    """Read a timestamp; None where it is not set."""
    return timestamp.ToDatetime(tzinfo=UTC) if timestamp.ByteSize() else None


def iso(timestamp: Timestamp) -> str | None:
    """Write a timestamp; None where it is not set."""
    time = moment(timestamp)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None
