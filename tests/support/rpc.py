"""Thin helpers over the raw stubs of `asktell.v1`: short requests, default deadlines, errors taken apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar, cast

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from asktell.v1 import (
    analysis_service_pb2_grpc,
    search_space_pb2,
    study_pb2,
    study_service_pb2,
    study_service_pb2_grpc,
    suggestion_service_pb2_grpc,
    trial_pb2,
    trial_service_pb2,
    trial_service_pb2_grpc,
)

CALL_TIMEOUT_S = 60.0
"""Deadline of every call that names none: far above what a call takes, so that a hang fails and does not block."""

_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),  # channels of one test do not share a connection that another one broke
    # A server that was killed is found again as soon as it is back.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # how long one attempt may take
    ("grpc.max_reconnect_backoff_ms", 300),
]

T = TypeVar("T")


class _Details(NamedTuple):
    """The fields that grpc reads; the base class is abstract."""

    method: str
    timeout: float | None
    metadata: tuple[tuple[str, str | bytes], ...] | None
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _CallDetails(_Details, grpc.ClientCallDetails):
    """Call details with other values."""


class _Defaults(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Gives every call a deadline and the token."""

    def __init__(self, token: str | None) -> None:
        self._metadata = [("authorization", f"Bearer {token}")] if token is not None else []

    def _filled(self, details: grpc.ClientCallDetails) -> _CallDetails:
        return _CallDetails(
            method=details.method,
            timeout=CALL_TIMEOUT_S if details.timeout is None else details.timeout,
            metadata=(*(details.metadata or ()), *self._metadata),
            credentials=details.credentials,
            wait_for_ready=details.wait_for_ready,
            compression=details.compression,
        )

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """See grpc."""
        return continuation(self._filled(client_call_details), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """See grpc."""
        return continuation(self._filled(client_call_details), request)


class Rpc:
    """All services of one server, over one channel of its own."""

    def __init__(self, address: str, *, token: str | None = None) -> None:
        self.channel = grpc.insecure_channel(address, options=_OPTIONS)
        self._channel = grpc.intercept_channel(self.channel, _Defaults(token))
        self.studies = study_service_pb2_grpc.StudyServiceStub(self._channel)
        self.trials = trial_service_pb2_grpc.TrialServiceStub(self._channel)
        self.suggestions = suggestion_service_pb2_grpc.SuggestionServiceStub(self._channel)
        self.analysis = analysis_service_pb2_grpc.AnalysisServiceStub(self._channel)

    def create(self, study_id: str, study: study_pb2.Study | None = None, **changes: Any) -> StudyCalls:
        """Creates a study (default: `a_study(**changes)`)."""
        request = study_service_pb2.CreateStudyRequest(study_id=study_id, study=study or a_study(**changes))
        return StudyCalls(self, self.studies.CreateStudy(request).name)

    def call(self, service: str, method: str, request: Message) -> list[Message]:
        """Calls any method by name; all answers, of a stream too."""
        stub = {
            "StudyService": self.studies,
            "TrialService": self.trials,
            "SuggestionService": self.suggestions,
            "AnalysisService": self.analysis,
        }[service]
        answer = getattr(stub, method)(request)
        return [answer] if isinstance(answer, Message) else list(answer)

    def close(self) -> None:
        """Closes the channel."""
        self.channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class StudyCalls:
    """The calls that tests make most, on one study."""

    rpc: Rpc
    name: str

    def ask(self, count: int = 1, **fields: Any) -> list[trial_pb2.Trial]:
        """Ask; its trials."""
        return list(self.rpc.trials.Ask(self.ask_request(count, **fields)).trials)

    def ask_one(self, **fields: Any) -> trial_pb2.Trial:
        """Ask for one trial."""
        (trial,) = self.ask(**fields)
        return trial

    def ask_request(self, count: int = 1, **fields: Any) -> trial_service_pb2.AskRequest:
        """A request of Ask."""
        return trial_service_pb2.AskRequest(study=self.name, count=count, **fields)

    def tell(self, trial: trial_pb2.Trial, loss: float | None = None, **fields: Any) -> trial_service_pb2.TellResponse:
        """Tell; with a loss a success."""
        return self.rpc.trials.Tell(tell_request(trial, loss, **fields))

    def report(
        self, trial: trial_pb2.Trial, loss: float | None = None, **fields: Any
    ) -> trial_service_pb2.ReportResponse:
        """Report; without a loss a heartbeat."""
        request = trial_service_pb2.ReportRequest(
            name=trial.name, lease_id=trial.lease_id, metrics=metrics(loss), **fields
        )
        return self.rpc.trials.Report(request)

    def enqueue(self, *configurations: Mapping[str, Any], **fields: Any) -> list[trial_pb2.Trial]:
        """EnqueueTrials."""
        request = trial_service_pb2.EnqueueTrialsRequest(
            study=self.name,
            trials=[trial_service_pb2.EnqueuedTrial(parameters=values(each)) for each in configurations],
            **fields,
        )
        return list(self.rpc.trials.EnqueueTrials(request).trials)

    def get(self) -> study_pb2.Study:
        """The study as it stands."""
        return self.rpc.studies.GetStudy(study_service_pb2.GetStudyRequest(name=self.name))

    def update(self, *paths: str, **fields: Any) -> study_pb2.Study:
        """UpdateStudy of these paths."""
        request = study_service_pb2.UpdateStudyRequest(study=study_pb2.Study(name=self.name, **fields))
        request.update_mask.paths.extend(paths)
        return self.rpc.studies.UpdateStudy(request)

    def trial(self, number: int) -> trial_pb2.Trial:
        """GetTrial."""
        return self.rpc.trials.GetTrial(trial_service_pb2.GetTrialRequest(name=f"{self.name}/trials/{number}"))

    def list_trials(self, **fields: Any) -> list[trial_pb2.Trial]:
        """ListTrials, all pages."""
        trials: list[trial_pb2.Trial] = []
        token = ""
        while True:
            page = self.rpc.trials.ListTrials(
                trial_service_pb2.ListTrialsRequest(parent=self.name, page_token=token, **fields)
            )
            trials += page.trials
            token = page.next_page_token
            if not token:
                return trials

    def watch(self, cursor: str = "", *, timeout_s: float = CALL_TIMEOUT_S) -> Watch:
        """WatchStudy from a cursor on."""
        return Watch(
            self.rpc.trials.WatchStudy(
                trial_service_pb2.WatchStudyRequest(study=self.name, cursor=cursor), timeout=timeout_s
            )
        )


class Watch:
    """An open WatchStudy: an iterator of changes that is cancelled on exit."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __iter__(self) -> Iterator[trial_service_pb2.WatchStudyResponse]:
        return cast(Iterator[trial_service_pb2.WatchStudyResponse], iter(self._call))

    def take(self, count: int) -> list[trial_service_pb2.WatchStudyResponse]:
        """The next `count` changes."""
        return [next(self._call) for _ in range(count)]

    def until(self, cursor: str) -> list[trial_service_pb2.WatchStudyResponse]:
        """Changes up to the one at `cursor`."""
        changes = []
        for change in self:
            changes.append(change)
            if change.cursor == cursor:
                return changes
        raise AssertionError(f"the stream ended before {cursor}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error of a call, taken apart."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: Mapping[str, str]
    fields: Sequence[str]
    retry_delay_s: float | None


def refusal(error: grpc.RpcError) -> Refusal:
    """Takes an error apart; it must carry a google.rpc.Status that agrees with the code."""
    call = cast(grpc.Call, error)
    status = rpc_status.from_call(call)
    assert status is not None, f"no details: {error}"
    assert status.code == call.code().value[0]
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    found = {type(into): any(detail.Unpack(into) for detail in status.details) for into in (info, bad, retry)}
    assert found[error_details_pb2.ErrorInfo], f"no ErrorInfo: {error}"
    assert info.domain == "asktell"
    return Refusal(
        code=call.code(),
        message=call.details() or "",
        reason=info.reason,
        metadata=dict(info.metadata),
        fields=[violation.field for violation in bad.field_violations],
        retry_delay_s=retry.retry_delay.ToTimedelta().total_seconds() if found[type(retry)] else None,
    )


def refused(call: Callable[[], object]) -> Refusal:
    """What `call` is refused with; fails when it is not."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return refusal(caught.value)


def code_and_reason(call: Callable[[], object]) -> tuple[str, str]:
    """Name of the code and the reason that `call` is refused with."""
    what = refused(call)
    return what.code.name, what.reason


def eventually(probe: Callable[[], T], *, what: str, timeout_s: float = 30.0, interval_s: float = 0.02) -> T:
    """Polls until `probe` gives something true, and returns it."""
    deadline = time.monotonic() + timeout_s
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_s:g} s")
        time.sleep(interval_s)
    return answer


def ask_when_ready(study: StudyCalls, *, timeout_s: float = 30.0, **fields: Any) -> trial_pb2.Trial:
    """Asks again while the study has nothing to hand out now."""

    def probe() -> trial_pb2.Trial | None:
        try:
            return study.ask_one(**fields)
        except grpc.RpcError as error:
            if refusal(error).reason not in ("NO_TRIAL_AVAILABLE", "QUEUE_EMPTY"):
                raise
            return None

    return cast(trial_pb2.Trial, eventually(probe, what="a trial to hand out", timeout_s=timeout_s))


def value(raw: Any) -> search_space_pb2.ParameterValue:
    """A parameter value of the kind of `raw`."""
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}
    return search_space_pb2.ParameterValue(**{kinds[type(raw)]: raw})


def values(configuration: Mapping[str, Any]) -> dict[str, search_space_pb2.ParameterValue]:
    """A configuration as messages."""
    return {name: value(raw) for name, raw in configuration.items()}


def raw_values(trial: trial_pb2.Trial) -> dict[str, Any]:
    """A trial's configuration as plain values."""
    return {name: getattr(each, str(each.WhichOneof("kind"))) for name, each in trial.parameters.items()}


def key(trial: trial_pb2.Trial) -> tuple[tuple[str, Any], ...]:
    """A trial's configuration, hashable."""
    return tuple(sorted(raw_values(trial).items()))


def metrics(loss: float | None = None, **others: float) -> dict[str, trial_pb2.Metric]:
    """Metrics by name."""
    told = others if loss is None else {"loss": loss, **others}
    return {name: trial_pb2.Metric(value=each) for name, each in told.items()}


def tell_request(trial: trial_pb2.Trial, loss: float | None = None, **fields: Any) -> trial_service_pb2.TellRequest:
    """A request of Tell for the trial's present attempt."""
    defaults: dict[str, Any] = {"name": trial.name, "lease_id": trial.lease_id, "metrics": metrics(loss)}
    return trial_service_pb2.TellRequest(**{**defaults, **fields})


def float_parameter(name: str, low: float = 0.0, high: float = 1.0, **fields: Any) -> search_space_pb2.Parameter:
    """A float parameter; `fields` are those of its domain."""
    domain = search_space_pb2.FloatDomain(min=low, max=high, **fields)
    return search_space_pb2.Parameter(name=name, float_domain=domain)


def int_parameter(name: str, low: int, high: int, **fields: Any) -> search_space_pb2.Parameter:
    """An int parameter; `fields` are those of its domain."""
    return search_space_pb2.Parameter(name=name, int_domain=search_space_pb2.IntDomain(min=low, max=high, **fields))


def space(*parameters: search_space_pb2.Parameter) -> search_space_pb2.SearchSpace:
    """A search space."""
    return search_space_pb2.SearchSpace(parameters=parameters)


def lease(seconds: int, *, max_attempts: int = 0) -> study_pb2.LeasePolicy:
    """A lease policy; attempts 0 = the default."""
    policy = study_pb2.LeasePolicy(max_attempts=max_attempts)
    policy.lease_duration.seconds = seconds
    return policy


def algorithm(kind: str, **settings: Any) -> study_pb2.Algorithm:
    """An algorithm by its field name."""
    message = study_pb2.Algorithm()
    chosen = getattr(message, kind)
    chosen.SetInParent()
    chosen.MergeFrom(type(chosen)(**settings))
    return message


def a_study(**changes: Any) -> study_pb2.Study:
    """Minimises `loss` over x in [0, 1] by random search, and tracks `accuracy`; each change sets a field."""
    defaults: dict[str, Any] = {
        "search_space": space(float_parameter("x")),
        "objectives": [study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE)],
        "tracked_metrics": [study_pb2.TrackedMetric(metric="accuracy")],
        "algorithm": algorithm("random"),
        "seed": 7,
    }
    return study_pb2.Study(**{**defaults, **changes})
