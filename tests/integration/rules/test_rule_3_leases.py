"""Rule 3: a dead worker costs one lease, and nothing else."""

from __future__ import annotations

from datetime import timedelta

from asktell.v1 import trial_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import (
    Rpc,
    StudyCalls,
    algorithm,
    ask_when_ready,
    code_and_reason,
    eventually,
    key,
    lease,
    metrics,
    refused,
)

NOTHING_QUEUED = ("FAILED_PRECONDITION", "QUEUE_EMPTY")


def _one_trial(new_study: NewStudy, seconds: int = 1, *, max_attempts: int = 3) -> StudyCalls:
    """A study whose only trial is enqueued: whoever gets one gets that one."""
    study = new_study(algorithm=algorithm("manual"), lease_policy=lease(seconds, max_attempts=max_attempts))
    study.enqueue({"x": 0.25})
    return study


def test_a_lost_trial_goes_to_the_next_asker_with_the_same_configuration(new_study: NewStudy) -> None:
    study = _one_trial(new_study)
    first = study.ask_one(worker_id="host-1")
    assert first.attempt == 1
    assert code_and_reason(study.ask_one) == NOTHING_QUEUED
    second = ask_when_ready(study, worker_id="host-2")
    assert (second.name, key(second)) == (first.name, key(first))
    assert (second.attempt, second.worker_id) == (2, "host-2")
    assert second.lease_id != first.lease_id
    assert second.start_time.ToDatetime() >= first.lease_expire_time.ToDatetime()


def test_a_lost_trial_comes_before_new_ones(new_study: NewStudy) -> None:
    study = new_study(lease_policy=lease(1), max_running_trials=1)
    first = study.ask_one()
    second = ask_when_ready(study)
    assert (second.number, key(second), second.attempt) == (first.number, key(first), 2)


def test_after_max_attempts_it_is_abandoned(new_study: NewStudy) -> None:
    study = _one_trial(new_study, max_attempts=2)
    study.ask_one()
    assert ask_when_ready(study).attempt == 2

    def abandoned() -> bool:
        assert code_and_reason(study.ask_one) == NOTHING_QUEUED
        return study.trial(1).state == trial_pb2.TRIAL_STATE_ABANDONED

    eventually(abandoned, what="the trial is abandoned")
    trial = study.trial(1)
    assert trial.reason == "its worker was lost 2 times"
    assert study.get().trial_counts.abandoned == 1


def test_the_late_result_of_an_abandoned_trial_is_taken(new_study: NewStudy) -> None:
    study = _one_trial(new_study, max_attempts=1)
    trial = study.ask_one()

    def abandoned() -> bool:
        assert code_and_reason(study.ask_one) == NOTHING_QUEUED
        return study.trial(1).state == trial_pb2.TRIAL_STATE_ABANDONED

    eventually(abandoned, what="the trial is abandoned")
    answer = study.tell(trial, 0.5)
    assert (answer.trial.state, answer.superseded) == (trial_pb2.TRIAL_STATE_SUCCEEDED, False)


def test_the_late_first_result_wins_and_the_second_is_superseded(new_study: NewStudy) -> None:
    study = _one_trial(new_study)
    first = study.ask_one()
    second = ask_when_ready(study)

    answer = study.tell(first, 0.5)
    assert (answer.superseded, answer.trial.lease_id) == (False, first.lease_id)
    late = study.tell(second, 0.7)
    assert late.superseded
    assert late.trial.metrics["loss"].value == 0.5
    (kept,) = study.trial(1).superseded_results
    assert (kept.lease_id, kept.metrics["loss"].value) == (second.lease_id, 0.7)
    assert study.tell(second, 0.7).superseded, "and so is its retry"
    assert len(study.trial(1).superseded_results) == 1


def test_the_first_of_two_finishers_wins_whoever_it_is(new_study: NewStudy) -> None:
    study = _one_trial(new_study)
    first = study.ask_one()
    second = ask_when_ready(study)
    assert not study.tell(second, 0.7).superseded
    late = study.tell(first, 0.5, request_id="late")
    assert late.superseded
    assert late.trial.metrics["loss"].value == 0.7
    assert study.tell(first, 0.5, request_id="late").superseded


def test_a_late_failure_does_not_end_the_attempt_that_runs_now(new_study: NewStudy) -> None:
    study = _one_trial(new_study)
    first = study.ask_one()
    second = ask_when_ready(study)
    late = study.tell(first, outcome=trial_service_pb2.TELL_OUTCOME_FAILED, reason="killed")
    assert late.superseded
    assert late.trial.state == trial_pb2.TRIAL_STATE_RUNNING
    assert not study.tell(second, 0.5).superseded


def test_a_heartbeat_renews_the_lease(new_study: NewStudy) -> None:
    study = _one_trial(new_study, 2)
    trial = study.ask_one()
    first_end = trial.lease_expire_time.ToDatetime()

    def outlived() -> bool:
        answer = study.report(trial)
        assert answer.lease_valid
        assert not answer.should_stop
        return answer.lease_expire_time.ToDatetime() > first_end + timedelta(seconds=2.5)

    eventually(outlived, what="heartbeats outlive the first lease", interval_s=0.2)
    assert code_and_reason(study.ask_one) == NOTHING_QUEUED
    assert (study.trial(1).attempt, study.trial(1).lease_id) == (1, trial.lease_id)


def test_a_report_after_the_loss_says_so_and_is_not_taken(new_study: NewStudy) -> None:
    study = _one_trial(new_study)
    first = study.ask_one()
    assert study.report(first, 0.9, step=1).lease_valid
    second = ask_when_ready(study)
    answer = study.report(first, 0.8, step=2)
    assert (answer.lease_valid, answer.should_stop) == (False, True)
    assert answer.stop_reason
    assert not answer.HasField("lease_expire_time")
    assert [m.step for m in study.trial(1).measurements] == [1]
    assert study.report(second, 0.7, step=1).lease_valid


def test_a_lapsed_lease_that_nobody_took_is_renewed(new_study: NewStudy) -> None:
    study = _one_trial(new_study)
    trial = study.ask_one()
    clock = _one_trial(new_study)  # its lease is given after the other one, so it ends after it
    clock.ask_one()
    ask_when_ready(clock)
    assert study.report(trial).lease_valid
    assert (study.trial(1).attempt, study.trial(1).lease_id) == (1, trial.lease_id)


def test_a_released_trial_goes_to_the_next_asker_at_once_and_the_attempt_does_not_count(
    rpc: Rpc, new_study: NewStudy
) -> None:
    study = _one_trial(new_study, 3600)
    first = study.ask_one()
    release = trial_service_pb2.ReleaseTrialRequest(name=first.name, lease_id=first.lease_id)
    released = rpc.trials.ReleaseTrial(release)
    assert released.state == trial_pb2.TRIAL_STATE_QUEUED
    second = study.ask_one()
    assert (second.name, key(second), second.attempt) == (first.name, key(first), 1)

    what = refused(lambda: rpc.trials.ReleaseTrial(release))
    assert (what.code.name, what.reason, what.metadata["name"]) == ("FAILED_PRECONDITION", "LEASE_LOST", first.name)
    study.tell(second, 0.5)
    assert code_and_reason(lambda: rpc.trials.ReleaseTrial(release)) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")


def test_a_released_trial_may_still_be_told(rpc: Rpc, new_study: NewStudy) -> None:
    study = _one_trial(new_study, 3600)
    trial = study.ask_one()
    rpc.trials.ReleaseTrial(trial_service_pb2.ReleaseTrialRequest(name=trial.name, lease_id=trial.lease_id))
    assert study.tell(trial, 0.5).trial.state == trial_pb2.TRIAL_STATE_SUCCEEDED


def test_a_lease_of_zero_never_ends(new_study: NewStudy) -> None:
    forever, clock = _one_trial(new_study, 0), _one_trial(new_study)
    trial = forever.ask_one()
    assert not trial.HasField("lease_expire_time")
    assert not forever.report(trial).HasField("lease_expire_time")
    clock.ask_one()
    ask_when_ready(clock)  # a lease of 1 s has ended meanwhile
    assert code_and_reason(forever.ask_one) == NOTHING_QUEUED
    assert forever.trial(1).attempt == 1


def test_a_lease_takes_a_minute_unless_told_otherwise(new_study: NewStudy) -> None:
    trial = new_study().ask_one()
    lasts = trial.lease_expire_time.ToDatetime() - trial.start_time.ToDatetime()
    assert abs(lasts - timedelta(seconds=60)) < timedelta(seconds=20), "the server's clock and its store's"


def test_without_a_lease_id_the_present_attempt_is_meant(new_study: NewStudy) -> None:
    study = _one_trial(new_study)
    study.ask_one()
    second = ask_when_ready(study)
    told = study.tell(second, 0.5, lease_id="").trial
    assert told.lease_id == second.lease_id


def test_a_lease_of_another_trial_is_refused(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    one, other = study.ask(2)
    what = refused(lambda: study.tell(one, 0.5, lease_id=other.lease_id))
    assert (what.code.name, what.reason, what.fields) == ("INVALID_ARGUMENT", "INVALID_FIELD", ["lease_id"])
    request = trial_service_pb2.ReportRequest(name=one.name, lease_id=other.lease_id, metrics=metrics(0.5))
    assert not rpc.trials.Report(request).lease_valid
    assert study.trial(one.number).measurement_count == 0
