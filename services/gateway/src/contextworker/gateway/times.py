"""Times: ISO 8601, which replies show in UTC, to the millisecond."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def moment(timestamp: Timestamp) -> datetime | None:
    """Read a timestamp; None where it is not set."""
    return timestamp.ToDatetime(tzinfo=UTC) if timestamp.ByteSize() else None


def iso(timestamp: Timestamp) -> str | None:
    """Write a timestamp; None where it is not set."""
    time = moment(timestamp)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None


def parsed(text: str) -> datetime:
    """Read a time; UTC where it names no offset.

    Raises:
        ValueError: It is none, or none that can be told in UTC.
    """
    time = datetime.fromisoformat(text)
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error
