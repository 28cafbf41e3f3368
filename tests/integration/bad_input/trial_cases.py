"""Bad requests of TrialService."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from asktell.v1 import search_space_pb2, trial_pb2, trial_service_pb2
from tests.integration.bad_input.cases import (
    BAD_STUDIES,
    BAD_TRIALS,
    Case,
    Change,
    World,
    attachments,
    changed,
    names,
    put,
    put_in,
    request_ids,
    unknown_study,
    unknown_trial,
)
from tests.support.rpc import metrics, tell_request, value, values

NAN, INF = math.nan, math.inf
Metrics = dict[str, trial_pb2.Metric]
METRIC = trial_pb2.Metric

BAD_METRICS: dict[str, tuple[Metrics, str, str]] = {
    "NaN": (metrics(NAN), "metrics[loss].value", "NOT_FINITE"),
    "inf": (metrics(INF), "metrics[loss].value", "NOT_FINITE"),
    "-inf": (metrics(-INF), "metrics[loss].value", "NOT_FINITE"),
    "tracked NaN": (metrics(0.5, accuracy=NAN), "metrics[accuracy].value", "NOT_FINITE"),
    "unknown": (metrics(0.5, los=0.5), "metrics[los]", "UNKNOWN_METRIC"),
    "without a name": ({**metrics(0.5), "": METRIC(value=1)}, "metrics[]", "UNKNOWN_METRIC"),
    "name oversize": ({**metrics(0.5), "x" * 100_000: METRIC(value=1)}, f"metrics[{'x' * 128}]", "UNKNOWN_METRIC"),
    "error NaN": ({"loss": METRIC(value=1, standard_error=NAN)}, "metrics[loss].standard_error", "NOT_FINITE"),
    "error inf": ({"loss": METRIC(value=1, standard_error=INF)}, "metrics[loss].standard_error", "NOT_FINITE"),
    "error negative": ({"loss": METRIC(value=1, standard_error=-1)}, "metrics[loss].standard_error", "INVALID_FIELD"),
}
NO_OBJECTIVE: dict[str, Metrics] = {"none": {}, "tracked ones alone": metrics(accuracy=0.5)}

Parameters = dict[str, search_space_pb2.ParameterValue]
BAD_PARAMETERS: dict[str, tuple[Parameters, str, str]] = {
    "missing": ({}, "parameters[x]", "VALUE_OUTSIDE_SPACE"),
    "unknown": (values({"x": 0.5, "y": 1.0}), "parameters[y]", "VALUE_OUTSIDE_SPACE"),
    "outside": (values({"x": 1.5}), "parameters[x]", "VALUE_OUTSIDE_SPACE"),
    "NaN": (values({"x": NAN}), "parameters[x]", "VALUE_OUTSIDE_SPACE"),
    "inf": (values({"x": INF}), "parameters[x]", "VALUE_OUTSIDE_SPACE"),
    "string": (values({"x": "0.5"}), "parameters[x]", "VALUE_OUTSIDE_SPACE"),
    "bool": (values({"x": True}), "parameters[x]", "VALUE_OUTSIDE_SPACE"),
    "without a kind": ({"x": search_space_pb2.ParameterValue()}, "parameters[x]", "INVALID_FIELD"),
    "name oversize": ({"y" * 100_000: value(1)}, f"parameters[{'y' * 125}...]", "VALUE_OUTSIDE_SPACE"),
}


def _put_all(find: Callable[[Any], Any], field: str, new: dict[str, Any]) -> Change:
    def change(request: Any) -> None:
        owner = find(request)
        owner.ClearField(field)
        for key, message in new.items():
            getattr(owner, field)[key].CopyFrom(message)

    return change


def _results(method: str, base: Callable[[World], Any], find: Callable[[Any], Any], prefix: str) -> Iterator[Case]:
    """Bad metrics of the message that `find` gives."""
    for what, (bad, field, reason) in BAD_METRICS.items():
        request = changed(base, _put_all(find, "metrics", bad))
        yield Case(method=method, what=f"metric {what}", request=request, field=f"{prefix}{field}", reason=reason)


def _outcomes(method: str, base: Callable[[World], Any], find: Callable[[Any], Any], prefix: str) -> Iterator[Case]:
    """A success without the objective, an outcome that is none."""
    for what, bad in NO_OBJECTIVE.items():
        request = changed(base, _put_all(find, "metrics", bad))
        yield Case(
            method=method,
            what=f"metrics {what}",
            request=request,
            field=f"{prefix}metrics",
            reason="MISSING_OBJECTIVE",
        )
    for outcome in (5, -1):
        yield Case(
            method=method,
            what=f"outcome {outcome}",
            request=changed(base, put_in(find, "outcome", outcome)),
            field=f"{prefix}outcome",
        )


def _configurations(method: str, base: Callable[[World], Any]) -> Iterator[Case]:
    """Bad parameters of the second of several trials."""
    for what, (bad, field, reason) in BAD_PARAMETERS.items():
        request = changed(base, _put_all(lambda request: request.trials[1], "parameters", bad))
        yield Case(method=method, what=f"parameter {what}", request=request, field=f"trials[1].{field}", reason=reason)


def _put_time(find: Callable[[Any], Any], field: str, time: Timestamp) -> Change:
    return lambda request: getattr(find(request), field).CopyFrom(time)


def _add_state(state: int) -> Change:
    return lambda request: request.filter.states.extend([trial_pb2.TRIAL_STATE_RUNNING, state])


def _add_path(path: str) -> Change:
    return lambda request: request.update_mask.paths.append(path)


def _itself(request: Any) -> Any:
    return request


def _ask() -> Iterator[Case]:
    method = "TrialService.Ask"

    def base(world: World) -> trial_service_pb2.AskRequest:
        return world.study.ask_request()

    yield from names(method, base, "study", BAD_STUDIES)
    yield unknown_study(method, base, "study")
    yield from request_ids(method, base)
    for count in (-1, 1001, -(2**31), 2**31 - 1):
        yield Case(method=method, what=f"count {count}", request=changed(base, put("count", count)), field="count")
    yield Case(
        method=method,
        what="cost-aware without a cost metric",
        request=changed(base, put("cost_aware", True)),
        field="cost_aware",
    )
    yield Case(
        method=method,
        what="goes on from no trial",
        request=changed(base, put("continue_from", 99)),
        field="continue_from",
    )
    yield Case(
        method=method,
        what="worker_id too long",
        request=changed(base, put("worker_id", "w" * 257)),
        field="worker_id",
    )
    for what, (bad, field, reason) in BAD_PARAMETERS.items():
        if bad:
            request = changed(base, _put_all(_itself, "fixed_parameters", bad))
            yield Case(method=method, what=f"fixed {what}", request=request, field=f"fixed_{field}", reason=reason)


def _tell() -> Iterator[Case]:
    method = "TrialService.Tell"

    def base(world: World) -> trial_service_pb2.TellRequest:
        return tell_request(world.running, 0.5)

    yield from names(method, base, "name", BAD_TRIALS)
    yield from unknown_trial(method, base, "name")
    yield from request_ids(method, base)
    yield from _results(method, base, _itself, "")
    yield from _outcomes(method, base, _itself, "")
    yield Case(method=method, what="reason too long", request=changed(base, put("reason", "x" * 4097)), field="reason")
    yield Case(
        method=method, what="lease of nobody", request=changed(base, put("lease_id", "nobody")), field="lease_id"
    )
    yield Case(
        method=method,
        what="another result",
        request=lambda world: tell_request(world.told, 0.75),
        field=None,
        reason="RESULT_CONFLICT",
        code="ALREADY_EXISTS",
    )
    yield Case(
        method=method,
        what="a trial that never ran",
        request=lambda world: tell_request(world.queued, 0.75),
        field=None,
        reason="ILLEGAL_TRANSITION",
        code="FAILED_PRECONDITION",
    )


def _report() -> Iterator[Case]:
    method = "TrialService.Report"

    def base(world: World) -> trial_service_pb2.ReportRequest:
        return trial_service_pb2.ReportRequest(
            name=world.running.name, lease_id=world.running.lease_id, step=1, metrics=metrics(0.5)
        )

    yield from names(method, base, "name", BAD_TRIALS)
    yield from unknown_trial(method, base, "name")
    yield from request_ids(method, base)
    yield from _results(method, base, _itself, "")
    yield Case(method=method, what="no lease", request=changed(base, put("lease_id", "")), field="lease_id")
    for step in (-1, -(2**63)):
        yield Case(method=method, what=f"step {step}", request=changed(base, put("step", step)), field="step")


def _release() -> Iterator[Case]:
    method = "TrialService.ReleaseTrial"

    def base(world: World) -> trial_service_pb2.ReleaseTrialRequest:
        return trial_service_pb2.ReleaseTrialRequest(name=world.running.name, lease_id=world.running.lease_id)

    yield from names(method, base, "name", BAD_TRIALS)
    yield from unknown_trial(method, base, "name")
    yield from request_ids(method, base)
    yield Case(method=method, what="no lease", request=changed(base, put("lease_id", "")), field="lease_id")
    yield Case(
        method=method,
        what="another lease",
        request=changed(base, put("lease_id", "nobody")),
        field=None,
        reason="LEASE_LOST",
        code="FAILED_PRECONDITION",
    )


def _enqueue() -> Iterator[Case]:
    method = "TrialService.EnqueueTrials"

    def base(world: World) -> trial_service_pb2.EnqueueTrialsRequest:
        request = trial_service_pb2.EnqueueTrialsRequest(study=world.study.name)
        for x in (0.25, 0.75):
            request.trials.add(parameters=values({"x": x}))
        return request

    yield from names(method, base, "study", BAD_STUDIES)
    yield unknown_study(method, base, "study")
    yield from request_ids(method, base)
    yield from _configurations(method, base)
    yield from attachments(method, base, lambda request: request.trials[1], "trials[1]")
    yield from _counts(method, base, lambda request: request.trials.add(parameters=values({"x": 0.5})))
    for what, number in (("no trial", 99), ("a trial that runs", 2)):

        def going_on(request: trial_service_pb2.EnqueueTrialsRequest, number: int = number) -> None:
            request.trials[1].continue_from = number

        yield Case(
            method=method,
            what=f"goes on from {what}",
            request=changed(base, going_on),
            field="trials[1].continue_from",
        )


def _import() -> Iterator[Case]:
    method = "TrialService.ImportTrials"

    def base(world: World) -> trial_service_pb2.ImportTrialsRequest:
        request = trial_service_pb2.ImportTrialsRequest(study=world.study.name)
        for key, x in (("a", 0.25), ("b", 0.75)):
            request.trials.add(import_key=key, parameters=values({"x": x}), metrics=metrics(0.5))
        return request

    def second(request: Any) -> Any:
        return request.trials[1]

    yield from names(method, base, "study", BAD_STUDIES)
    yield unknown_study(method, base, "study")
    yield from request_ids(method, base)
    yield from _configurations(method, base)
    yield from _results(method, base, second, "trials[1].")
    yield from _outcomes(method, base, second, "trials[1].")
    yield from attachments(method, base, second, "trials[1]")
    for what, key in {"missing": "", "too long": "k" * 257, "twice": "a"}.items():
        yield Case(
            method=method,
            what=f"key {what}",
            request=changed(base, put_in(second, "import_key", key)),
            field="trials[1].import_key",
        )
    yield Case(
        method=method,
        what="reason too long",
        request=changed(base, put_in(second, "reason", "x" * 4097)),
        field="trials[1].reason",
    )
    for field in ("start_time", "finish_time"):
        yield Case(
            method=method,
            what=f"{field} out of range",
            request=changed(base, _put_time(second, field, Timestamp(seconds=-(10**13)))),
            field=f"trials[1].{field}",
        )
    yield from _counts(method, base, lambda request: request.trials.add(import_key=str(len(request.trials))))


def _counts(method: str, base: Callable[[World], Any], add: Change) -> Iterator[Case]:
    """No trial at all, and more than 1,000."""

    def many(request: Any) -> None:
        while len(request.trials) <= 1000:
            add(request)

    yield Case(
        method=method,
        what="no trials",
        request=changed(base, lambda request: request.ClearField("trials")),
        field="trials",
    )
    yield Case(method=method, what="1,001 trials", request=changed(base, many), field="trials")


def _get() -> Iterator[Case]:
    def base(world: World) -> trial_service_pb2.GetTrialRequest:
        return trial_service_pb2.GetTrialRequest(name=world.running.name)

    yield from names("TrialService.GetTrial", base, "name", BAD_TRIALS)
    yield from unknown_trial("TrialService.GetTrial", base, "name")


def _list() -> Iterator[Case]:
    method = "TrialService.ListTrials"

    def base(world: World) -> trial_service_pb2.ListTrialsRequest:
        return trial_service_pb2.ListTrialsRequest(parent=world.study.name)

    yield from names(method, base, "parent", BAD_STUDIES)
    yield unknown_study(method, base, "parent")
    yield Case(method=method, what="page_size negative", request=changed(base, put("page_size", -1)), field="page_size")
    for token in ("garbage!", "AAAA", "7", "A" * 1_000_000):
        yield Case(
            method=method,
            what=f"page_token {token[:8]}",
            request=changed(base, put("page_token", token)),
            field="page_token",
            reason="INVALID_TOKEN",
        )

    def other_filter(world: World) -> trial_service_pb2.ListTrialsRequest:
        request = trial_service_pb2.ListTrialsRequest(parent=world.study.name, page_size=1)
        request.page_token = world.study.rpc.trials.ListTrials(request).next_page_token
        request.filter.worker_id = "other"
        return request

    yield Case(
        method=method,
        what="page_token of another filter",
        request=other_filter,
        field="page_token",
        reason="INVALID_TOKEN",
    )
    for state in (0, 9, -1):
        yield Case(
            method=method,
            what=f"state {state}",
            request=changed(base, _add_state(state)),
            field="filter.states[1]",
        )


def _best() -> Iterator[Case]:
    method = "TrialService.ListBestTrials"

    def base(world: World) -> trial_service_pb2.ListBestTrialsRequest:
        return trial_service_pb2.ListBestTrialsRequest(parent=world.study.name)

    yield from names(method, base, "parent", BAD_STUDIES)
    yield unknown_study(method, base, "parent")
    for count in (-1, 1001):
        yield Case(method=method, what=f"count {count}", request=changed(base, put("count", count)), field="count")


def _update() -> Iterator[Case]:
    method = "TrialService.UpdateTrial"

    def base(world: World) -> trial_service_pb2.UpdateTrialRequest:
        request = trial_service_pb2.UpdateTrialRequest(trial=trial_pb2.Trial(name=world.told.name))
        request.update_mask.paths.extend(["labels", "annotations", "note"])
        return request

    yield from names(method, base, "trial.name", BAD_TRIALS)
    yield from unknown_trial(method, base, "trial.name")
    yield from request_ids(method, base)
    yield from attachments(method, base, lambda request: request.trial, "trial")
    yield Case(
        method=method,
        what="note too long",
        request=changed(base, lambda request: setattr(request.trial, "note", "x" * 16_385)),
        field="trial.note",
    )
    yield Case(
        method=method,
        what="no mask",
        request=changed(base, lambda request: request.ClearField("update_mask")),
        field="update_mask",
    )
    for path in (
        "*",
        "",
        "state",
        "metrics",
        "metrics.loss",
        "parameters",
        "labels.",
        ".labels",
        "note.x",
        "x" * 10_000,
    ):
        yield Case(
            method=method,
            what=f"mask {path[:16]!r}",
            request=changed(base, _add_path(path)),
            field="update_mask.paths[3]",
        )


def _amend() -> Iterator[Case]:
    method = "TrialService.AmendTrial"

    def base(world: World) -> trial_service_pb2.AmendTrialRequest:
        return trial_service_pb2.AmendTrialRequest(name=world.told.name, metrics=metrics(0.25), reason="typo")

    yield from names(method, base, "name", BAD_TRIALS)
    yield from unknown_trial(method, base, "name")
    yield from request_ids(method, base)
    yield from _results(method, base, _itself, "")
    yield from _outcomes(method, base, _itself, "")
    for what, reason in {"missing": "", "too long": "x" * 4097}.items():
        yield Case(method=method, what=f"reason {what}", request=changed(base, put("reason", reason)), field="reason")
    yield Case(
        method=method,
        what="a trial without a result",
        request=lambda world: trial_service_pb2.AmendTrialRequest(
            name=world.running.name, metrics=metrics(0.25), reason="typo"
        ),
        field=None,
        reason="ILLEGAL_TRANSITION",
        code="FAILED_PRECONDITION",
    )


def _cancel() -> Iterator[Case]:
    method = "TrialService.CancelTrial"

    def base(world: World) -> trial_service_pb2.CancelTrialRequest:
        return trial_service_pb2.CancelTrialRequest(name=world.running.name)

    yield from names(method, base, "name", BAD_TRIALS)
    yield from unknown_trial(method, base, "name")
    yield from request_ids(method, base)
    yield Case(method=method, what="reason too long", request=changed(base, put("reason", "x" * 4097)), field="reason")


def _delete() -> Iterator[Case]:
    method = "TrialService.DeleteTrial"

    def base(world: World) -> trial_service_pb2.DeleteTrialRequest:
        return trial_service_pb2.DeleteTrialRequest(name=world.told.name)

    yield from names(method, base, "name", BAD_TRIALS)
    yield from unknown_trial(method, base, "name")
    yield from request_ids(method, base)
    yield Case(
        method=method,
        what="a running trial",
        request=lambda world: trial_service_pb2.DeleteTrialRequest(name=world.running.name),
        field=None,
        reason="ILLEGAL_TRANSITION",
        code="FAILED_PRECONDITION",
    )


def _watch() -> Iterator[Case]:
    method = "TrialService.WatchStudy"

    def base(world: World) -> trial_service_pb2.WatchStudyRequest:
        return trial_service_pb2.WatchStudyRequest(study=world.study.name)

    yield from names(method, base, "study", BAD_STUDIES)
    yield unknown_study(method, base, "study")

    def cursor(what: str, make: Callable[[World], str]) -> Case:
        def request(world: World) -> trial_service_pb2.WatchStudyRequest:
            return trial_service_pb2.WatchStudyRequest(study=world.study.name, cursor=make(world))

        return Case(method=method, what=f"cursor {what}", request=request, field="cursor", reason="INVALID_TOKEN")

    yield cursor("garbage", lambda world: "garbage")
    yield cursor("oversize", lambda world: "1" * 1_000_000)
    yield cursor("of another study", lambda world: world.other.get().cursor)
    yield cursor("of the future", lambda world: world.study.get().cursor + "0")
    yield cursor("negative", lambda world: world.study.get().cursor.replace(":", ":-"))
    yield cursor("without a position", lambda world: world.study.get().cursor.partition(":")[0] + ":")


CASES = [
    *_ask(), *_tell(), *_report(), *_release(), *_enqueue(), *_import(), *_get(), *_list(), *_best(), *_update(),
    *_amend(), *_cancel(), *_delete(), *_watch(),
]  # fmt: skip
