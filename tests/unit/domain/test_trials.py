"""Every transition of a trial: the legal ones, the illegal ones, and what each leaves behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from asktell_server.domain.errors import (
    AlreadyExists,
    ErrorReason,
    FailedPrecondition,
    InvalidArgument,
    ResourceExhausted,
)
from asktell_server.domain.metrics import Metric
from asktell_server.domain.trial import (
    MAX_AMENDMENTS,
    MAX_PAST_LEASES,
    MAX_SUPERSEDED,
    RESULT_STATES,
    Origin,
    Result,
    Trial,
    TrialState,
    Verdict,
    metrics_json,
)
from tests.support.builders import NOW, a_running_trial, a_trial, failure, later, loss, success

Q, R, C, A = TrialState.QUEUED, TrialState.RUNNING, TrialState.CANCELLED, TrialState.ABANDONED
ILLEGAL = ErrorReason.ILLEGAL_TRANSITION


def _in_state(state: TrialState) -> Trial:
    """A trial brought to `state` by real transitions."""
    if state is Q:
        return a_trial()
    running = a_running_trial()
    if state is R:
        return running
    if state is C:
        return running.cancel(reason="", now=NOW)
    if state is A:
        return running.expire(max_attempts=1, now=NOW)
    return running.tell(Result(state=state, metrics=loss(0.5)), lease_id="", now=NOW)[0]


ACTIONS: dict[str, tuple[Callable[[Trial], object], set[TrialState]]] = {
    "start": (lambda trial: trial.start(lease_id="lease-2", worker_id="w", now=NOW), {Q}),
    "expire": (lambda trial: trial.expire(max_attempts=3, now=NOW), {R}),
    "release": (lambda trial: trial.release(lease_id="lease-1"), {R}),
    # A result state takes the same result again; that another one is refused is tested below.
    "tell": (lambda trial: trial.tell(trial.result if trial.state in RESULT_STATES else success(1.0), lease_id="", now=NOW), {R, A, *RESULT_STATES}),
    "amend": (lambda trial: trial.amend(success(1.0), reason="typo", now=NOW), set(RESULT_STATES)),
    "cancel": (lambda trial: trial.cancel(reason="", now=NOW), {Q, R, C}),
    "delete": (lambda trial: trial.require_deletable(), set(TrialState) - {R}),
}  # fmt: skip


@pytest.mark.parametrize("state", TrialState)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_is_allowed_in_its_states_and_refused_in_all_others(action: str, state: TrialState) -> None:
    act, legal = ACTIONS[action]
    trial = _in_state(state)
    if state in legal:
        act(trial)
        return
    with pytest.raises(FailedPrecondition) as caught:
        act(trial)
    assert caught.value.reason is ILLEGAL
    assert caught.value.metadata == {"state": state.value}


def test_open_and_result_states_are_told_apart() -> None:
    assert {state for state in TrialState if state.is_open} == {Q, R}
    assert {state for state in TrialState if state.has_result} == set(TrialState) - {Q, R, C, A}


def test_start_hands_out_a_lease_and_counts_the_attempt() -> None:
    trial = a_trial().start(lease_id="first", worker_id="host-1", now=later(1))
    assert (trial.state, trial.attempt, trial.lease_id, trial.worker_id) == (R, 1, "first", "host-1")
    assert trial.start_time == later(1)
    assert trial.parameters == a_trial().parameters


def test_an_expired_trial_is_queued_with_the_same_configuration() -> None:
    back = a_running_trial().expire(max_attempts=2, now=later(60))
    assert back.state is Q
    assert back.finish_time is None
    again = back.start(lease_id="second", worker_id="host-2", now=later(61))
    assert (again.attempt, again.past_lease_ids, again.parameters) == (2, ("lease-1",), back.parameters)


def test_after_the_last_attempt_a_trial_is_abandoned() -> None:
    trial = a_running_trial()
    for attempt in (2, 3):
        trial = trial.expire(max_attempts=3, now=NOW).start(lease_id=f"lease-{attempt}", worker_id="w", now=NOW)
    assert trial.attempt == 3
    abandoned = trial.expire(max_attempts=3, now=later(9))
    assert (abandoned.state, abandoned.finish_time) == (A, later(9))
    assert abandoned.reason == "its worker was lost 3 times"


def test_a_released_trial_keeps_its_attempts() -> None:
    back = a_running_trial().release(lease_id="lease-1")
    assert (back.state, back.attempt) == (Q, 0)
    assert back.start(lease_id="lease-2", worker_id="w", now=NOW).attempt == 1


def test_only_the_holder_may_release() -> None:
    with pytest.raises(FailedPrecondition) as caught:
        a_running_trial().release(lease_id="lease-0")
    assert caught.value.reason is ErrorReason.LEASE_LOST


@pytest.mark.parametrize("lease_id", ["", "lease-1"])
@pytest.mark.parametrize("state", sorted(RESULT_STATES))
def test_a_result_is_taken(state: TrialState, lease_id: str) -> None:
    result = Result(state=state, metrics=loss(0.5), reason="why")
    told, verdict = a_running_trial().tell(result, lease_id=lease_id, now=later(5))
    assert verdict is Verdict.ACCEPTED
    assert told.result == result
    assert (told.result_lease_id, told.finish_time) == ("lease-1", later(5))


@pytest.mark.parametrize("lease_id", ["", "lease-1"])
def test_the_same_result_again_changes_nothing(lease_id: str) -> None:
    told, _ = a_running_trial().tell(success(0.5), lease_id="lease-1", now=NOW)
    again, verdict = told.tell(success(0.5), lease_id=lease_id, now=later(9))
    assert verdict is Verdict.REPEATED
    assert again is told


@pytest.mark.parametrize(
    "other",
    [
        success(0.51),
        failure(),
        Result(state=TrialState.STOPPED, metrics=loss(0.5)),
        Result(state=TrialState.SUCCEEDED, metrics={"loss": Metric(value=0.5, standard_error=0.1)}),
        Result(state=TrialState.SUCCEEDED, metrics=loss(0.5), reason="words"),
    ],
)
def test_another_result_of_the_same_attempt_is_a_conflict(other: Result) -> None:
    told, _ = a_running_trial().tell(success(0.5), lease_id="lease-1", now=NOW)
    with pytest.raises(AlreadyExists, match="only an amendment corrects it") as caught:
        told.tell(other, lease_id="lease-1", now=NOW)
    assert caught.value.reason is ErrorReason.RESULT_CONFLICT
    assert caught.value.metadata == {"state": "SUCCEEDED", "metrics": '{"loss": 0.5}'}


def test_a_foreign_lease_is_refused_in_every_state() -> None:
    for state in TrialState:
        with pytest.raises(InvalidArgument) as caught:
            _in_state(state).tell(success(0.5), lease_id="lease-of-another-trial", now=NOW)
        assert caught.value.field == "lease_id"


def test_a_trial_that_never_ran_takes_no_result() -> None:
    with pytest.raises(FailedPrecondition) as caught:
        a_trial().tell(success(0.5), lease_id="", now=NOW)
    assert caught.value.reason is ILLEGAL


@pytest.mark.parametrize("lease_id", ["", "lease-1"])
@pytest.mark.parametrize("result", [success(0.5), failure()])
def test_a_late_first_result_is_taken_while_the_trial_waits(result: Result, lease_id: str) -> None:
    queued = a_running_trial().expire(max_attempts=3, now=NOW)
    told, verdict = queued.tell(result, lease_id=lease_id, now=later(99))
    assert (verdict, told.state) == (Verdict.ACCEPTED, result.state)


def test_a_late_first_result_is_taken_from_an_abandoned_trial() -> None:
    told, verdict = _in_state(A).tell(success(0.5), lease_id="lease-1", now=later(99))
    assert (verdict, told.state, told.reason) == (Verdict.ACCEPTED, TrialState.SUCCEEDED, "")


def test_a_late_first_success_ends_the_attempt_that_runs_now() -> None:
    second = _second_attempt()
    told, verdict = second.tell(success(0.5), lease_id="lease-1", now=NOW)
    assert (verdict, told.result_lease_id) == (Verdict.ACCEPTED, "lease-1")
    late, verdict = told.tell(success(0.7), lease_id="lease-2", now=later(3))
    assert verdict is Verdict.SUPERSEDED
    assert late.result == success(0.5)
    (superseded,) = late.superseded_results
    assert (superseded.lease_id, superseded.result, superseded.tell_time) == ("lease-2", success(0.7), later(3))


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.STOPPED])
def test_a_late_failure_does_not_end_the_attempt_that_runs_now(state: TrialState) -> None:
    result = Result(state=state, reason="killed")
    still_running, verdict = _second_attempt().tell(result, lease_id="lease-1", now=NOW)
    assert (verdict, still_running.state, still_running.lease_id) == (Verdict.SUPERSEDED, R, "lease-2")
    assert still_running.superseded_results[0].result == result


def test_an_infeasible_configuration_is_infeasible_for_every_attempt() -> None:
    told, verdict = _second_attempt().tell(Result(state=TrialState.INFEASIBLE), lease_id="lease-1", now=NOW)
    assert (verdict, told.state) == (Verdict.ACCEPTED, TrialState.INFEASIBLE)


def test_a_superseded_result_told_again_is_kept_once() -> None:
    told, _ = _second_attempt().tell(success(0.5), lease_id="lease-2", now=NOW)
    late, _ = told.tell(success(0.7), lease_id="lease-1", now=NOW)
    again, verdict = late.tell(success(0.7), lease_id="lease-1", now=later(1))
    assert verdict is Verdict.SUPERSEDED
    assert again is late


def test_the_trail_of_superseded_results_is_bounded() -> None:
    trial, _ = _second_attempt().tell(success(0.5), lease_id="lease-2", now=NOW)
    for index in range(MAX_SUPERSEDED + 5):
        trial, _ = trial.tell(success(float(index)), lease_id="lease-1", now=NOW)
    assert len(trial.superseded_results) == MAX_SUPERSEDED


def test_the_memory_of_past_leases_is_bounded() -> None:
    trial = a_trial()
    for index in range(MAX_PAST_LEASES + 5):
        trial = trial.start(lease_id=f"lease-{index}", worker_id="w", now=NOW).release(lease_id=f"lease-{index}")
    assert len(trial.past_lease_ids) == MAX_PAST_LEASES


def test_an_amendment_leaves_a_trace() -> None:
    told, _ = a_running_trial().tell(success(0.5), lease_id="", now=NOW)
    once = told.amend(success(0.6), reason="wrong split", now=later(10))
    twice = once.amend(failure(), reason="it never ran", now=later(20))
    assert twice.result == failure()
    assert [(a.previous, a.reason, a.amend_time) for a in twice.amendments] == [
        (success(0.5), "wrong split", later(10)),
        (success(0.6), "it never ran", later(20)),
    ]
    assert twice.finish_time == NOW


def test_a_retry_of_the_tell_after_an_amendment_is_no_conflict() -> None:
    told, _ = a_running_trial().tell(success(0.5), lease_id="", now=NOW)
    amended = told.amend(success(0.6), reason="wrong split", now=NOW)
    for result in (success(0.5), success(0.6)):
        again, verdict = amended.tell(result, lease_id="lease-1", now=NOW)
        assert (verdict, again) == (Verdict.REPEATED, amended)
    with pytest.raises(AlreadyExists):
        amended.tell(success(0.7), lease_id="lease-1", now=NOW)


def test_amendments_are_bounded() -> None:
    told, _ = a_running_trial().tell(success(0.5), lease_id="", now=NOW)
    for index in range(MAX_AMENDMENTS):
        told = told.amend(success(float(index)), reason="again", now=NOW)
    with pytest.raises(ResourceExhausted) as caught:
        told.amend(success(0.0), reason="again", now=NOW)
    assert caught.value.reason is ErrorReason.LIMIT_EXCEEDED
    assert caught.value.metadata == {"limit": "100", "field": "amendments"}


@pytest.mark.parametrize("trial", [a_trial(), a_running_trial()])
def test_cancel_says_why_and_when(trial: Trial) -> None:
    cancelled = trial.cancel(reason="not needed", now=later(3))
    assert (cancelled.state, cancelled.reason, cancelled.finish_time) == (C, "not needed", later(3))
    assert cancelled.cancel(reason="again", now=later(4)) is cancelled


def test_what_counts_toward_the_budget() -> None:
    assert all(_in_state(state).counts_toward_budget for state in TrialState if state is not C)
    assert not _in_state(C).counts_toward_budget
    assert not a_trial(origin=Origin.IMPORT).counts_toward_budget


def test_transitions_leave_the_trial_as_it_was() -> None:
    trial = a_running_trial()
    before = dataclasses.replace(trial)
    trial.tell(success(0.5), lease_id="", now=NOW)
    trial.expire(max_attempts=1, now=NOW)
    trial.cancel(reason="", now=NOW)
    assert trial == before


def test_metrics_in_error_details_are_short() -> None:
    many = {f"metric_{index}": Metric(value=float(index)) for index in range(500)}
    assert len(metrics_json(many)) == 1000
    assert metrics_json(loss(0.1)) == '{"loss": 0.1}'


def _second_attempt() -> Trial:
    return a_running_trial().expire(max_attempts=3, now=NOW).start(lease_id="lease-2", worker_id="w", now=NOW)
