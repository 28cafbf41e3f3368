"""Times and durations."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from asktell_server.domain.errors import InvalidArgument


def time_from(message: Timestamp, where: str) -> datetime:
    """Reads a time. Raises InvalidArgument when it is outside the years 1 to 9999."""
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument(where, "must be a time between the years 1 and 9999") from None


def time_to(time: datetime | None) -> Timestamp | None:
    """Writes a time; None stays None."""
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time)
    return message


def seconds_from(message: Duration, where: str) -> float:
    """Reads a duration in seconds. Raises InvalidArgument when its parts disagree in sign or overflow."""
    if not -999_999_999 <= message.nanos <= 999_999_999 or message.seconds * message.nanos < 0:
        raise InvalidArgument(where, "is not a valid duration")
    return message.seconds + message.nanos * 1e-9


def seconds_to(seconds: float) -> Duration:
    """Writes a duration."""
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message
