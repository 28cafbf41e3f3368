"""What can go wrong. The class is chosen by the error's reason (`asktell.v1.ErrorReason`), never by its text.

AsktellError
├── InvalidArgument           a field of the request is wrong; nothing was changed
│   ├── NotFinite             a NaN or an infinity
│   ├── UnknownMetric         the study declares no such metric
│   ├── MissingObjective      a result without the objective
│   ├── ValueOutsideSpace     a parameter value that its domain does not have
│   ├── InvalidStudyFile      no YAML, an unknown key, a value of another kind: `line`, `column`
│   ├── TestSplitObjective    an objective measured on test data
│   └── GridTooLarge          more than 1,000,000 points
├── NotSupported              the contract has it, this server does not do it
├── NotFound
│   ├── StudyNotFound
│   └── TrialNotFound
├── AlreadyExists
│   ├── StudyExists           a study of that name; it may have another specification
│   └── ResultConflict        the trial has another result, see `stored`
├── FailedPrecondition        the state of the study or trial does not allow it
│   ├── StudyComplete         ask no more
│   ├── StudyPaused
│   ├── QueueEmpty            manual search, nothing enqueued
│   ├── FixedExhausted        nothing is left to try with the fixed values of an ask
│   ├── TooFewResults         for a model, and so for what it says
│   ├── NoResult              the best trial of a study in which none has succeeded
│   ├── IllegalTransition     e.g. cancelling a trial that has ended
│   └── LeaseLost             another worker has the trial now
├── Aborted                   a race was lost; nothing was changed
│   ├── EtagMismatch          the study changed since it was read
│   └── Contention            too many writers at once
├── ResourceExhausted
│   ├── NoTrialAvailable      nothing to hand out now, ask again in `retry_after_s`
│   ├── Overloaded            the server has too many calls, try again in `retry_after_s`
│   └── LimitExceeded         a limit of the product
├── Unavailable               no server, or its store is away, for longer than the call's deadline
├── DeadlineExceeded          the answer was not ready in time; the call may have been carried out
├── Unauthenticated           the token is missing or wrong
├── TooManyFailures           `optimize` gave up: trial after trial failed
├── ClientClosed              the client has been closed: make another one
└── InternalError             a bug of the server; `incident` is in its log
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, Self

import grpc

__all__ = [
    "Aborted",
    "AlreadyExists",
    "AsktellError",
    "ClientClosed",
    "Contention",
    "DeadlineExceeded",
    "EtagMismatch",
    "FailedPrecondition",
    "FixedExhausted",
    "GridTooLarge",
    "IllegalTransition",
    "InternalError",
    "InvalidArgument",
    "InvalidStudyFile",
    "LeaseLost",
    "LimitExceeded",
    "MissingObjective",
    "NoResult",
    "NoTrialAvailable",
    "NotFinite",
    "NotFound",
    "NotSupported",
    "Overloaded",
    "QueueEmpty",
    "ResourceExhausted",
    "ResultConflict",
    "StudyComplete",
    "StudyExists",
    "StudyNotFound",
    "StudyPaused",
    "TestSplitObjective",
    "TooFewResults",
    "TooManyFailures",
    "TrialNotFound",
    "Unauthenticated",
    "Unavailable",
    "UnknownMetric",
    "ValueOutsideSpace",
]


class AsktellError(Exception):
    """Base of all errors that a call ends with.

    Attributes:
        message: what went wrong, for people.
        reason: what went wrong, for programs: a name of `asktell.v1.ErrorReason`; "" when no server said it.
        metadata: what the catalogue (`error_reason.proto`) promises for the reason.
        code: the gRPC status.
        retry_after_s: when another try makes sense, in seconds; None = nothing is known about it.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata: dict[str, str] = dict(metadata or {})
        self.code = code
        self.retry_after_s = retry_after_s

    def at(self, place: str) -> Self:
        """The same error with a place in front of its message."""
        return self.reworded(f"{place}{self.message}")

    def reworded(self, message: str) -> Self:
        """The same error with another message."""
        rebuild, _ = self.__reduce__()
        return rebuild(message)

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[str]]:
        """Errors travel between processes whole (the default would lose the keyword arguments)."""
        rebuild: Callable[..., Self] = functools.partial(
            type(self),
            reason=self.reason,
            metadata=self.metadata,
            code=self.code,
            retry_after_s=self.retry_after_s,
        )
        return rebuild, (self.message,)


class InvalidArgument(AsktellError):
    """A field of the request is wrong; nothing was changed."""

    @property
    def field(self) -> str:
        """Path of the field in the contract, e.g. `study.search_space.parameters[0].float_domain.min`; the text has your words."""
        return self.metadata.get("field", "")


class InvalidStudyFile(InvalidArgument):
    """A study file is no YAML, has an unknown key or lacks one, or a value is of another kind."""

    @property
    def line(self) -> int:
        """The line in the file, from 1."""
        return int(self.metadata.get("line", 0))

    @property
    def column(self) -> int:
        """The column, from 1."""
        return int(self.metadata.get("column", 0))


class NotFinite(InvalidArgument):
    """A value is NaN or infinite."""


class UnknownMetric(InvalidArgument):
    """A metric that the study does not declare."""

    @property
    def metric(self) -> str:
        """The metric's name."""
        return self.metadata.get("metric", "")


class MissingObjective(InvalidArgument):
    """A result without the objective."""

    @property
    def metric(self) -> str:
        """The objective's name."""
        return self.metadata.get("metric", "")


class ValueOutsideSpace(InvalidArgument):
    """A parameter value outside its domain, of another kind, missing, or of an unknown parameter."""

    @property
    def parameter(self) -> str:
        """The parameter's name."""
        return self.metadata.get("parameter", "")


class TestSplitObjective(InvalidArgument):
    """An objective is declared on test data, which would make it worthless as a test."""

    __test__ = False  # its name makes pytest take it for a test class


class GridTooLarge(InvalidArgument):
    """The grid has more than 1,000,000 points."""


class NotSupported(AsktellError):
    """The contract has it; this server does not do it (yet, or because it runs stateless)."""

    @property
    def field(self) -> str:
        """Path of the field that asks for it; "" when it is the whole call."""
        return self.metadata.get("field", "")


class _Named(AsktellError):
    @property
    def name(self) -> str:
        """Resource name of the study or trial."""
        return self.metadata.get("name", "")


class NotFound(_Named):
    """No such study or trial."""


class StudyNotFound(NotFound):
    """No such study."""


class TrialNotFound(NotFound):
    """No such trial."""


class AlreadyExists(_Named):
    """A study of that name, or another result, exists."""


class StudyExists(AlreadyExists):
    """A study of that name exists; with `exist_ok=True`, one with another specification."""


class ResultConflict(AlreadyExists):
    """The trial already has another result; corrections go through `Trial.amend`."""

    @property
    def stored(self) -> dict[str, float]:
        """The metrics of the result that is stored."""
        try:
            stored = json.loads(self.metadata.get("metrics", "{}"))
        except ValueError:
            return {}
        return stored if isinstance(stored, dict) else {}

    @property
    def state(self) -> str:
        """The state that the stored result led to."""
        return self.metadata.get("state", "")


class FailedPrecondition(_Named):
    """The state of the study or trial does not allow the call."""


_FINISHED_BECAUSE = {
    "REQUESTED": "it was finished by request",
    "MAX_TRIALS": "its budget of trials is used up",
    "TARGET": "a trial reached the target value",
    "PATIENCE": "the last trials did not better the best one",
    "DEADLINE": "its deadline has passed",
    "EXHAUSTED": "every configuration of its space or grid has been tried",
    "LITTLE_TO_GAIN": "another 10 trials are expected to gain too little",
}
_GOES_ON = {
    "REQUESTED": "study.resume()",
    "MAX_TRIALS": "study.update(max_trials=…)",
    "TARGET": "study.update(target=…)",
    "PATIENCE": "study.update(patience=…)",
    "DEADLINE": "study.update(deadline=…)",
    "LITTLE_TO_GAIN": "study.update(min_expected_gain=…)",
}


class StudyComplete(FailedPrecondition):
    """The study hands out no more trials, unless it is changed: its rules by `Study.update`, a finish by `Study.resume`."""

    @property
    def finish_reason(self) -> str:
        """Why: a name of `asktell.FinishReason`."""
        return self.metadata.get("finish_reason", "")

    @property
    def what(self) -> str:
        """`study is complete: …`, the words every client shows."""
        why = _FINISHED_BECAUSE.get(self.finish_reason, self.finish_reason or self.message)
        return f"study is complete: {why}"

    def __str__(self) -> str:
        """What has happened, and what goes on from here."""
        mends = _GOES_ON.get(self.finish_reason)
        return f"{self.what}; {mends} goes on" if mends else self.what


class StudyPaused(FailedPrecondition):
    """The study hands out no trials until it is resumed."""


class QueueEmpty(FailedPrecondition):
    """The study is searched by hand, and nothing is enqueued."""


class FixedExhausted(FailedPrecondition):
    """Every configuration with the fixed values of the ask has been tried; others are left, and the study goes on."""

    @property
    def fixed(self) -> str:
        """The values: `batch_size=8`."""
        return self.metadata.get("fixed", "")


class TooFewResults(FailedPrecondition):
    """The study has too few results for a model, and so for what only a model can say."""

    @property
    def metric(self) -> str:
        """The metric that has too few."""
        return self.metadata.get("metric", "")

    @property
    def results(self) -> int:
        """How many results there are."""
        return int(self.metadata.get("results", 0))

    @property
    def required(self) -> int:
        """How many a model needs."""
        return int(self.metadata.get("required", 0))


class NoResult(FailedPrecondition):
    """No trial of the study has a result yet, so that none is the best."""


class IllegalTransition(FailedPrecondition):
    """The trial's state does not allow the call."""

    @property
    def state(self) -> str:
        """The trial's state."""
        return self.metadata.get("state", "")


class LeaseLost(FailedPrecondition):
    """The trial is no longer this worker's."""


class Aborted(_Named):
    """A race was lost; nothing was changed and the call may be made again."""


class EtagMismatch(Aborted):
    """The study changed since it was read."""

    @property
    def etag(self) -> str:
        """The present etag."""
        return self.metadata.get("etag", "")


class Contention(Aborted):
    """Too many writers at once."""


class ResourceExhausted(AsktellError):
    """A limit is reached, or the server is at the end of its capacity."""


class NoTrialAvailable(ResourceExhausted):
    """All that may run now is running; a trial may come back later."""


class Overloaded(ResourceExhausted):
    """The server has as many calls as it can take."""


class LimitExceeded(ResourceExhausted):
    """A limit of the product is reached."""


class Unavailable(AsktellError):
    """The server or its store was away for the whole time that the call had."""


class DeadlineExceeded(AsktellError):
    """The answer was not ready in time. The call may have been carried out; making it again is safe."""


class Unauthenticated(AsktellError):
    """The token is missing or wrong."""


class TooManyFailures(AsktellError):
    """`Study.optimize` gave up after several failed trials in a row; `__cause__` is what the last one raised."""


class ClientClosed(AsktellError):
    """The client has been closed, and its studies and trials with it: nothing was sent."""


class InternalError(AsktellError):
    """A bug of the server."""

    @property
    def incident(self) -> str:
        """The id under which the server's log has more."""
        return self.metadata.get("incident", "")


BY_REASON: Mapping[str, type[AsktellError]] = {
    "INVALID_FIELD": InvalidArgument,
    "NOT_FINITE": NotFinite,
    "UNKNOWN_METRIC": UnknownMetric,
    "MISSING_OBJECTIVE": MissingObjective,
    "VALUE_OUTSIDE_SPACE": ValueOutsideSpace,
    "REQUEST_ID_REUSED": InvalidArgument,
    "TEST_SPLIT_OBJECTIVE": TestSplitObjective,
    "GRID_TOO_LARGE": GridTooLarge,
    "INVALID_TOKEN": InvalidArgument,
    "INVALID_STUDY_FILE": InvalidStudyFile,
    "NOT_SUPPORTED": NotSupported,
    "STUDY_NOT_FOUND": StudyNotFound,
    "TRIAL_NOT_FOUND": TrialNotFound,
    "STUDY_EXISTS": StudyExists,
    "RESULT_CONFLICT": ResultConflict,
    "STUDY_COMPLETE": StudyComplete,
    "STUDY_PAUSED": StudyPaused,
    "QUEUE_EMPTY": QueueEmpty,
    "FIXED_EXHAUSTED": FixedExhausted,
    "TOO_FEW_RESULTS": TooFewResults,
    "ILLEGAL_TRANSITION": IllegalTransition,
    "LEASE_LOST": LeaseLost,
    "ETAG_MISMATCH": EtagMismatch,
    "CONTENTION": Contention,
    "NO_TRIAL_AVAILABLE": NoTrialAvailable,
    "OVERLOADED": Overloaded,
    "LIMIT_EXCEEDED": LimitExceeded,
    "STORE_UNAVAILABLE": Unavailable,
    "SERVER_DRAINING": Unavailable,
    "STATELESS_SERVER": NotSupported,
    "UNAUTHENTICATED": Unauthenticated,
    "INTERNAL": InternalError,
    "DEADLINE": DeadlineExceeded,
}
"""The class of each reason of the catalogue."""

BY_CODE: Mapping[Any, type[AsktellError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.UNIMPLEMENTED: NotSupported,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.INTERNAL: InternalError,
}
"""For a status without a reason (a proxy's, or gRPC's own) and for reasons newer than this client."""
