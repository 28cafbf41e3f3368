"""A study ends at max trials, target, patience or deadline, and Ask then says that it is complete."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from asktell.v1 import study_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import StudyCalls, code_and_reason, eventually, refusal, refused

COMPLETE = ("FAILED_PRECONDITION", "STUDY_COMPLETE")
FAILED = trial_service_pb2.TELL_OUTCOME_FAILED


def _complete(study: StudyCalls, reason: str) -> None:
    what = refused(study.ask_one)
    assert (what.code.name, what.reason) == COMPLETE
    assert what.metadata == {"name": study.name, "finish_reason": reason}
    finished = study.get()
    assert finished.state == study_pb2.STUDY_STATE_FINISHED
    assert study_pb2.FinishReason.Name(finished.finish_reason) == f"FINISH_REASON_{reason}"
    assert finished.HasField("finish_time")


def _objective(goal: study_pb2.Goal.ValueType) -> list[study_pb2.Objective]:
    return [study_pb2.Objective(metric="loss", goal=goal)]


def test_max_trials(new_study: NewStudy) -> None:
    study = new_study(stopping_rules=study_pb2.StoppingRules(max_trials=3))
    trials = study.ask(10)
    assert len(trials) == 3, "never more than the budget"
    what = refused(study.ask_one)
    assert (what.code.name, what.reason) == ("RESOURCE_EXHAUSTED", "NO_TRIAL_AVAILABLE")
    assert what.metadata == {"name": study.name, "running": "3"}
    assert what.retry_delay_s is not None
    study.tell(trials[0], 0.5)
    study.tell(trials[1], outcome=FAILED)
    assert study.get().state == study_pb2.STUDY_STATE_ACTIVE
    study.tell(trials[2], 0.5)
    _complete(study, "MAX_TRIALS")


def test_a_cancelled_trial_gives_its_place_in_the_budget_back(new_study: NewStudy) -> None:
    study = new_study(stopping_rules=study_pb2.StoppingRules(max_trials=1))
    study.rpc.trials.CancelTrial(trial_service_pb2.CancelTrialRequest(name=study.ask_one().name))
    study.tell(study.ask_one(), 0.5)
    _complete(study, "MAX_TRIALS")


@pytest.mark.parametrize("workers", [8])
def test_workers_at_once_run_exactly_the_budget(new_study: NewStudy, workers: int) -> None:
    study = new_study(stopping_rules=study_pb2.StoppingRules(max_trials=40))

    def work(_: int) -> int:
        done = 0

        def step() -> bool:
            nonlocal done
            try:
                trial = study.ask_one()
            except grpc.RpcError as error:
                return refusal(error).reason == "STUDY_COMPLETE"
            study.tell(trial, 0.5)
            done += 1
            return False

        eventually(step, what="the budget is run", interval_s=0.01)
        return done

    with ThreadPoolExecutor(workers) as pool:
        assert sum(pool.map(work, range(workers))) == 40
    assert study.get().trial_counts.succeeded == 40
    _complete(study, "MAX_TRIALS")


@pytest.mark.parametrize(
    ("goal", "target", "short", "reached"),
    [(study_pb2.GOAL_MINIMIZE, 0.2, 0.21, 0.2), (study_pb2.GOAL_MAXIMIZE, 0.9, 0.89, 0.95)],
)
def test_target(
    new_study: NewStudy, goal: study_pb2.Goal.ValueType, target: float, short: float, reached: float
) -> None:
    study = new_study(objectives=_objective(goal), stopping_rules=study_pb2.StoppingRules(target_value=target))
    first, second, third = study.ask(3)
    study.tell(first, short)
    assert study.get().state == study_pb2.STUDY_STATE_ACTIVE
    study.tell(second, reached)
    _complete(study, "TARGET")
    study.tell(third, short)
    assert study.get().trial_counts.succeeded == 3, "results of running trials are still taken"


def test_patience(new_study: NewStudy) -> None:
    study = new_study(stopping_rules=study_pb2.StoppingRules(patience_trials=3))
    for loss in (0.5, 0.4, 0.4, 0.6):
        study.tell(study.ask_one(), loss)
    assert study.get().state == study_pb2.STUDY_STATE_ACTIVE
    study.tell(study.ask_one(), outcome=FAILED)
    _complete(study, "PATIENCE")


def test_deadline(new_study: NewStudy) -> None:
    deadline = Timestamp()
    deadline.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1))
    study = new_study(stopping_rules=study_pb2.StoppingRules(deadline=deadline))
    study.ask_one()

    def over() -> bool:
        try:
            study.ask_one()
        except grpc.RpcError:
            return True
        return False

    eventually(over, what="the deadline passes", interval_s=0.1)
    _complete(study, "DEADLINE")
    assert study.get().finish_time.ToDatetime() >= deadline.ToDatetime()


def test_the_budget_can_be_raised_and_the_study_resumed(new_study: NewStudy) -> None:
    study = new_study(stopping_rules=study_pb2.StoppingRules(max_trials=1, patience_trials=50))
    study.tell(study.ask_one(), 0.5)
    _complete(study, "MAX_TRIALS")
    study.update(
        "stopping_rules.max_trials",
        "state",
        stopping_rules=study_pb2.StoppingRules(max_trials=2),
        state=study_pb2.STUDY_STATE_ACTIVE,
    )
    assert study.get().stopping_rules.patience_trials == 50
    study.tell(study.ask_one(), 0.5)
    _complete(study, "MAX_TRIALS")


def test_a_larger_budget_sets_a_finished_study_going(new_study: NewStudy) -> None:
    study = new_study(stopping_rules=study_pb2.StoppingRules(max_trials=1))
    study.tell(study.ask_one(), 0.5)
    _complete(study, "MAX_TRIALS")
    before = study.get()
    assert code_and_reason(lambda: study.update("state", state=study_pb2.STUDY_STATE_ACTIVE)) == COMPLETE
    assert study.get() == before
    with study.watch(before.cursor) as watching:
        going = study.update("stopping_rules", stopping_rules=study_pb2.StoppingRules(max_trials=2))
        assert (going.state, going.finish_reason) == (study_pb2.STUDY_STATE_ACTIVE, 0)
        assert not going.HasField("finish_time")
        (change,) = watching.take(1)
        assert change.study.state == study_pb2.STUDY_STATE_ACTIVE
    trial = study.ask_one()
    assert not study.report(trial, 0.5).should_stop
    study.tell(trial, 0.5)
    _complete(study, "MAX_TRIALS")


def test_a_rule_that_holds_when_it_is_set_ends_the_study(new_study: NewStudy) -> None:
    study = new_study()
    study.tell(study.ask_one(), 0.1)
    rules = study_pb2.StoppingRules(target_value=0.2)
    finished = study.update("stopping_rules.target_value", stopping_rules=rules)
    assert (finished.state, finished.finish_reason) == (study_pb2.STUDY_STATE_FINISHED, study_pb2.FINISH_REASON_TARGET)
    _complete(study, "TARGET")


def test_a_study_without_rules_never_ends(new_study: NewStudy) -> None:
    study = new_study()
    for trial in study.ask(50):
        study.tell(trial, 0.5)
    assert study.ask_one().number == 51


def test_the_limit_of_running_trials(new_study: NewStudy) -> None:
    study = new_study(max_running_trials=2)
    calls = [study.rpc.trials.Ask.future(study.ask_request()) for _ in range(10)]
    trials = [trial for call in calls if not call.exception() for trial in call.result().trials]
    assert len(trials) == 2
    what = refused(study.ask_one)
    assert (what.code.name, what.reason) == ("RESOURCE_EXHAUSTED", "NO_TRIAL_AVAILABLE")
    assert what.metadata["running"] == "2"
    assert what.retry_delay_s is not None
    assert 0 < what.retry_delay_s <= 1
    study.tell(trials[0], 0.5)
    assert len(study.ask(5)) == 1
    study.update("max_running_trials", max_running_trials=0)
    assert len(study.ask(5)) == 5
    assert code_and_reason(lambda: study.ask(1001))[0] == "INVALID_ARGUMENT"
