"""Rule 6: objectives are measured on held-out validation data; doubtful set-ups come back with warnings."""

from __future__ import annotations

import pytest

from asktell.v1 import study_pb2, suggestion_service_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, algorithm, float_parameter, metrics, refused, space

TEST_OBJECTIVE = study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE, split=study_pb2.SPLIT_TEST)


def test_an_objective_on_test_data_is_refused(new_study: NewStudy) -> None:
    what = refused(lambda: new_study(objectives=[TEST_OBJECTIVE]))
    assert (what.code.name, what.reason) == ("INVALID_ARGUMENT", "TEST_SPLIT_OBJECTIVE")
    assert what.fields == ["study.objectives[0].split"]
    assert "tracked metric" in what.message, "it says what to do instead"


def test_the_stateless_door_refuses_it_as_well(rpc: Rpc) -> None:
    request = suggestion_service_pb2.SuggestRequest()
    request.problem.search_space.CopyFrom(space(float_parameter("x")))
    request.problem.objectives.append(TEST_OBJECTIVE)
    what = refused(lambda: rpc.suggestions.Suggest(request))
    assert (what.reason, what.fields) == ("TEST_SPLIT_OBJECTIVE", ["problem.objectives[0].split"])


@pytest.mark.parametrize("split", [study_pb2.SPLIT_UNSPECIFIED, study_pb2.SPLIT_VALIDATION, study_pb2.SPLIT_TRAIN])
def test_other_splits_are_taken(new_study: NewStudy, split: study_pb2.Split.ValueType) -> None:
    objective = study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE, split=split)
    kept = new_study(objectives=[objective]).get().objectives[0].split
    assert kept == (split or study_pb2.SPLIT_VALIDATION)


def test_test_metrics_are_logged_and_never_optimised(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study(tracked_metrics=[study_pb2.TrackedMetric(metric="test_loss", split=study_pb2.SPLIT_TEST)])
    one, other = study.ask(2)
    study.tell(one, metrics=metrics(0.1, test_loss=0.9))
    study.tell(other, metrics=metrics(0.2, test_loss=0.1))
    assert study.trial(other.number).metrics["test_loss"].value == 0.1
    best = rpc.trials.ListBestTrials(trial_service_pb2.ListBestTrialsRequest(parent=study.name))
    assert [trial.name for trial in best.trials] == [one.name]
    assert not study.get().warnings


def _warned(study: study_pb2.Study) -> list[tuple[str, str]]:
    return [
        (study_pb2.WarningKind.Name(w.kind).removeprefix("WARNING_KIND_"), w.field) for w in study.warnings if w.message
    ]


def test_a_metric_that_sounds_like_test_data_is_warned_of(new_study: NewStudy) -> None:
    study = new_study(objectives=[study_pb2.Objective(metric="test_loss", goal=study_pb2.GOAL_MINIMIZE)])
    assert _warned(study.get()) == [("TEST_METRIC_NAME", "objectives[0].metric")]


def test_a_grid_larger_than_its_budget_is_warned_of(new_study: NewStudy) -> None:
    study = new_study(
        search_space=space(float_parameter("x"), float_parameter("y")),
        algorithm=algorithm("grid", default_levels=10),
        stopping_rules=study_pb2.StoppingRules(max_trials=99),
    )
    assert _warned(study.get()) == [("GRID_EXCEEDS_BUDGET", "stopping_rules.max_trials")]
    study.update("stopping_rules.max_trials", stopping_rules=study_pb2.StoppingRules(max_trials=100))
    assert _warned(study.get()) == []


def test_a_budget_too_small_for_the_space_is_warned_of(new_study: NewStudy) -> None:
    study = new_study(
        search_space=space(*(float_parameter(f"p{index}") for index in range(10))),
        algorithm=algorithm("auto"),
        stopping_rules=study_pb2.StoppingRules(max_trials=20),
    )
    assert _warned(study.get()) == [("BUDGET_TOO_SMALL", "stopping_rules.max_trials")]


def test_a_wide_range_on_a_linear_scale_is_warned_of(new_study: NewStudy) -> None:
    study = new_study(search_space=space(float_parameter("lr", 1e-5, 1e-1)))
    assert _warned(study.get()) == [("WIDE_LINEAR_RANGE", "search_space.parameters[0]")]
