"""Several objectives and outcome constraints: the front, the hypervolume, feasibility, baselines, and what the model predicts."""

from __future__ import annotations

import pytest

from asktell.v1 import study_pb2, suggestion_service_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, StudyCalls, algorithm, code_and_reason, float_parameter, metrics, space, values

LOSS = study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE, reference_value=1.0)
SPEED = study_pb2.Objective(metric="speed", goal=study_pb2.GOAL_MAXIMIZE, reference_value=0.0)
AT_MOST = study_pb2.OutcomeConstraint(metric="ms", max=50.0)
AT_LEAST = study_pb2.OutcomeConstraint(metric="accuracy", min=0.9, of_baseline=True)
ALONE = study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE)


def _best(study: StudyCalls, **fields: object) -> trial_service_pb2.ListBestTrialsResponse:
    request = trial_service_pb2.ListBestTrialsRequest(parent=study.name, **fields)  # type: ignore[arg-type]
    return study.rpc.trials.ListBestTrials(request)


def _tell(study: StudyCalls, loss: float, **others: float) -> int:
    trial = study.ask_one()
    study.tell(trial, metrics=metrics(loss, **others))
    return trial.number


def test_the_front_and_its_hypervolume(new_study: NewStudy) -> None:
    study = new_study(objectives=[LOSS, SPEED], algorithm=algorithm("random"))
    assert not study.get().HasField("hypervolume")
    for loss, speed in [(0.5, 2.0), (2.0, 9.0), (0.75, 1.0), (0.25, 1.0)]:
        _tell(study, loss, speed=speed)
    best = _best(study, hypervolume_history=True)
    assert [trial.number for trial in best.trials] == [4, 1, 2]
    assert best.hypervolume == pytest.approx(1.25)
    assert study.get().hypervolume == best.hypervolume
    assert dict(best.reference_values) == {"loss": 1.0, "speed": 0.0}
    history = best.hypervolume_history
    assert [(point.trial_number, point.ended_count) for point in history] == [(1, 1), (4, 4)]
    assert [point.hypervolume for point in history] == pytest.approx([1.0, 1.25])
    assert not _best(study).hypervolume_history


def test_a_result_lacks_no_objective_and_no_constrained_metric(new_study: NewStudy) -> None:
    study = new_study(objectives=[LOSS, SPEED], outcome_constraints=[AT_MOST], algorithm=algorithm("random"))
    trial = study.ask_one()
    for told in (metrics(0.5), metrics(0.5, speed=1.0), metrics(0.5, ms=1.0)):
        refusal = code_and_reason(lambda told=told: study.tell(trial, metrics=told))  # type: ignore[misc]
        assert refusal == ("INVALID_ARGUMENT", "MISSING_OBJECTIVE")
    study.tell(trial, metrics=metrics(0.5, speed=1.0, ms=1.0))


def test_a_target_by_objective_ends_the_study(new_study: NewStudy) -> None:
    rules = study_pb2.StoppingRules(target_values={"loss": 0.3, "speed": 1.0})
    study = new_study(objectives=[LOSS, SPEED], algorithm=algorithm("random"), stopping_rules=rules)
    _tell(study, 0.2, speed=0.5)
    assert study.get().state == study_pb2.STUDY_STATE_ACTIVE
    _tell(study, 0.3, speed=1.5)
    assert study.get().finish_reason == study_pb2.FINISH_REASON_TARGET


def test_the_least_violating_trial_is_called_so_until_one_is_feasible(new_study: NewStudy) -> None:
    study = new_study(objectives=[ALONE], outcome_constraints=[AT_MOST], algorithm=algorithm("random"))
    _tell(study, 0.1, ms=100.0)
    _tell(study, 0.2, ms=55.0)
    best = _best(study)
    assert best.infeasible
    assert [trial.number for trial in best.trials] == [2]
    assert best.trials[0].violation == pytest.approx(0.1)
    _tell(study, 0.9, ms=50.0)
    best = _best(study, count=5)
    assert not best.infeasible
    assert [(trial.number, trial.violation) for trial in best.trials] == [(3, 0.0)]
    assert study.trial(1).violation == pytest.approx(1.0)
    assert [trial.violation for trial in study.list_trials()] == pytest.approx([1.0, 0.1, 0.0])


def test_a_relative_bound_follows_its_baseline(new_study: NewStudy) -> None:
    study = new_study(
        objectives=[ALONE], outcome_constraints=[AT_LEAST], tracked_metrics=[], algorithm=algorithm("random")
    )
    poor = _tell(study, 0.1, accuracy=0.5)
    assert not _best(study).infeasible, "no baseline yet"
    study.rpc.trials.ImportTrials(
        trial_service_pb2.ImportTrialsRequest(
            study=study.name,
            trials=[
                trial_service_pb2.ImportedTrial(
                    import_key="before", parameters=study.trial(poor).parameters, metrics=metrics(0.5, accuracy=0.8)
                )
            ],
        )
    )
    assert [trial.number for trial in _best(study).trials] == [2]
    assert study.trial(poor).violation == pytest.approx(0.22 / 0.72)
    study.update("baseline_trial", baseline_trial=poor)
    assert [trial.number for trial in _best(study).trials] == [poor]


@pytest.mark.parametrize("objectives", [1, 2, 4])
def test_the_model_predicts_every_metric(rpc: Rpc, objectives: int) -> None:
    request = suggestion_service_pb2.SuggestRequest(seed=3, count=2)
    request.problem.search_space.CopyFrom(space(float_parameter("x"), float_parameter("y")))
    for place in range(objectives):
        request.problem.objectives.add(metric=f"m{place}", goal=study_pb2.GOAL_MINIMIZE)
    request.problem.outcome_constraints.add(metric="ms", max=0.5)
    for place in range(8):
        x, y = place / 8, (3 * place % 8) / 8
        told = {f"m{number}": (x - number / 4) ** 2 + y for number in range(objectives)}
        request.observations.add(parameters=values({"x": x, "y": y}), metrics=metrics(**told, ms=x))
    answer = rpc.suggestions.Suggest(request)
    assert len(answer.suggestions) == 2
    expected = {"ms", *(f"m{number}" for number in range(objectives))}
    for suggestion in answer.suggestions:
        assert set(suggestion.prediction.beliefs) == expected
        assert suggestion.prediction.beliefs["m0"].mean == suggestion.prediction.mean
    request.warm_start = answer.warm_start
    assert len(rpc.suggestions.Suggest(request).suggestions) == 2
