"""The domain's errors. One tree; `transport` maps it to status codes in one table.

AsktellError
├── InvalidArgument      a field of the request is wrong
├── NotSupported         the contract has it, this server does not do it yet
├── NotFound             no such study or trial
├── AlreadyExists        a study of that name, another result
├── FailedPrecondition   the state of the study or trial does not allow it
├── Aborted              a race was lost; nothing changed
├── ResourceExhausted    quota, overload, nothing to hand out now
└── Unavailable          the store or the server is away
"""

from __future__ import annotations

import enum
from collections.abc import Mapping


class ErrorReason(enum.StrEnum):
    """Machine-readable reasons: the names of `asktell.v1.ErrorReason` without their prefix."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:
        return name  # StrEnum's default is lower case; the wire uses the names as they are

    INVALID_FIELD = enum.auto()
    NOT_FINITE = enum.auto()
    UNKNOWN_METRIC = enum.auto()
    MISSING_OBJECTIVE = enum.auto()
    VALUE_OUTSIDE_SPACE = enum.auto()
    REQUEST_ID_REUSED = enum.auto()
    TEST_SPLIT_OBJECTIVE = enum.auto()
    GRID_TOO_LARGE = enum.auto()
    INVALID_TOKEN = enum.auto()
    INVALID_STUDY_FILE = enum.auto()
    NOT_SUPPORTED = enum.auto()
    STUDY_NOT_FOUND = enum.auto()
    TRIAL_NOT_FOUND = enum.auto()
    STUDY_EXISTS = enum.auto()
    RESULT_CONFLICT = enum.auto()
    STUDY_COMPLETE = enum.auto()
    STUDY_PAUSED = enum.auto()
    QUEUE_EMPTY = enum.auto()
    ILLEGAL_TRANSITION = enum.auto()
    LEASE_LOST = enum.auto()
    FIXED_EXHAUSTED = enum.auto()
    TOO_FEW_RESULTS = enum.auto()
    ETAG_MISMATCH = enum.auto()
    CONTENTION = enum.auto()
    NO_TRIAL_AVAILABLE = enum.auto()
    OVERLOADED = enum.auto()
    LIMIT_EXCEEDED = enum.auto()
    STORE_UNAVAILABLE = enum.auto()
    SERVER_DRAINING = enum.auto()
    STATELESS_SERVER = enum.auto()
    UNAUTHENTICATED = enum.auto()
    INTERNAL = enum.auto()
    DEADLINE = enum.auto()


class AsktellError(Exception):
    """Base of all errors that reach a client.

    Attributes:
        reason: what went wrong, for programs.
        metadata: the keys that the catalogue (`error_reason.proto`) promises for the reason.
        retry_after_s: when trying again makes sense, in seconds; None = the error says nothing about it.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: ErrorReason,
        metadata: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata: dict[str, str] = dict(metadata or {})
        self.retry_after_s = retry_after_s


class InvalidArgument(AsktellError):
    """A field of the request is wrong; nothing was changed.

    `field` is a path from the request message, e.g. `study.search_space.parameters[0].float_domain.min`.
    """

    def __init__(
        self,
        field: str,
        message: str,
        *,
        reason: ErrorReason = ErrorReason.INVALID_FIELD,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{field}: {message}", reason=reason, metadata={"field": field, **(metadata or {})})
        self.field = field
        self.description = message


class NotSupported(AsktellError):
    """The contract carries the field, and this server does not do it yet."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", reason=ErrorReason.NOT_SUPPORTED, metadata={"field": field})


class NotFound(AsktellError):
    """No such study or trial."""


class AlreadyExists(AsktellError):
    """A study of that name exists, or the trial has another result."""


class FailedPrecondition(AsktellError):
    """The state of the study or trial does not allow the call."""


class Aborted(AsktellError):
    """A race was lost; nothing was changed and the call may be tried again."""


class ResourceExhausted(AsktellError):
    """A quota or the server's capacity is used up, or nothing can be handed out now."""


class Unavailable(AsktellError):
    """The store or the server is away; the same call with the same request id may be tried again."""


def study_not_found(name: str) -> NotFound:
    """The error for a study that is not there."""
    return NotFound(f"study {name} does not exist", reason=ErrorReason.STUDY_NOT_FOUND, metadata={"name": name})


def trial_not_found(name: str) -> NotFound:
    """The error for a trial that is not there."""
    return NotFound(f"trial {name} does not exist", reason=ErrorReason.TRIAL_NOT_FOUND, metadata={"name": name})


def contention(name: str) -> Aborted:
    """The error for a change that lost too many races in a row."""
    return Aborted(
        f"too many writers on {name}; nothing was changed, try again",
        reason=ErrorReason.CONTENTION,
        metadata={"name": name},
    )
