"""AnalysisService over gRPC: what the model of a study says, from real workers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from asktell.v1 import (
    analysis_service_pb2,
    search_space_pb2,
    study_pb2,
    suggestion_service_pb2,
    trial_service_pb2,
)
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, StudyCalls, float_parameter, metrics, refused, space, values


@pytest.fixture
def bowl(new_study: NewStudy) -> StudyCalls:
    """40 results of (x - 0.3)² over x and y."""
    study = new_study(search_space=space(float_parameter("x"), float_parameter("y")))
    request = trial_service_pb2.ImportTrialsRequest(study=study.name)
    for index in range(40):
        x, y = (math.modf((index + 1) * math.sqrt(prime))[0] for prime in (2, 3))
        request.trials.add(import_key=str(index), parameters=values({"x": x, "y": y}), metrics=metrics((x - 0.3) ** 2))
    study.rpc.trials.ImportTrials(request)
    return study


def test_outcomes_are_predicted_with_their_uncertainty(rpc: Rpc, bowl: StudyCalls) -> None:
    request = analysis_service_pb2.PredictOutcomesRequest(
        parent=bowl.name,
        configurations=[
            suggestion_service_pb2.Configuration(parameters=values({"x": x, "y": 0.5})) for x in (0.3, 0.9, 0.0)
        ],
    )
    answer = rpc.analysis.PredictOutcomes(request)
    assert answer.result_count == 40
    assert [prediction.mean for prediction in answer.predictions] == pytest.approx([0.0, 0.36, 0.09], abs=0.03)
    for prediction in answer.predictions:
        assert 0 < prediction.standard_deviation < 0.1
        assert prediction.beliefs["loss"].mean == prediction.mean
        assert not prediction.acquisition_value
    assert rpc.analysis.PredictOutcomes(request) == answer


def test_it_takes_three_results(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    for trial in study.ask(2):
        study.tell(trial, 0.5)
    request = analysis_service_pb2.PredictOutcomesRequest(
        parent=study.name, configurations=[suggestion_service_pb2.Configuration(parameters=study.trial(1).parameters)]
    )
    what = refused(lambda: rpc.analysis.PredictOutcomes(request))
    assert (what.code.name, what.reason) == ("FAILED_PRECONDITION", "TOO_FEW_RESULTS")
    assert what.metadata == {"metric": "loss", "results": "2", "required": "3"}


def test_the_parameter_that_matters_has_all_the_importance(rpc: Rpc, bowl: StudyCalls) -> None:
    answer = rpc.analysis.GetImportances(analysis_service_pb2.GetImportancesRequest(parent=bowl.name, metric="loss"))
    assert [list(each.parameters) for each in answer.importances] == [["x"], ["y"], ["x", "y"]]
    assert [each.share for each in answer.importances] == pytest.approx([1.0, 0.0, 0.0], abs=0.02)
    assert [each.total_share for each in answer.importances] == pytest.approx([1.0, 0.0, 0.0], abs=0.03)
    assert answer.result_count == 40


def test_a_slice_shows_the_bowl(rpc: Rpc, bowl: StudyCalls) -> None:
    request = analysis_service_pb2.GetSliceRequest(
        parent=bowl.name, parameters=["x"], reference=values({"y": 0.5}), resolution=11
    )
    answer = rpc.analysis.GetSlice(request)
    points = [raw(point.parameters) for point in answer.points]
    assert points == [{"x": pytest.approx(place / 10), "y": 0.5} for place in range(11)]
    for point, each in zip(points, answer.points, strict=True):
        assert each.prediction.mean == pytest.approx((point["x"] - 0.3) ** 2, abs=0.02)
    assert raw(answer.reference) == {"y": 0.5}
    assert answer.result_count == 40


def test_the_largest_slice_comes_in_one_answer(rpc: Rpc, bowl: StudyCalls) -> None:
    request = analysis_service_pb2.GetSliceRequest(parent=bowl.name, parameters=["y", "x"], resolution=100)
    answer = rpc.analysis.GetSlice(request)
    assert len(answer.points) == 10_000
    assert raw(answer.points[1].parameters) == {"y": 0.0, "x": pytest.approx(1 / 99)}


def test_a_slice_that_is_too_large_for_an_answer_is_refused(rpc: Rpc, new_study: NewStudy) -> None:
    names = [f"{'a-long-name/' * 10}{index}" for index in range(40)]
    study = new_study(search_space=space(*map(float_parameter, names)))
    for trial in study.ask(3):
        study.tell(trial, 0.5)
    request = analysis_service_pb2.GetSliceRequest(parent=study.name, parameters=names[:2], resolution=100)
    what = refused(lambda: rpc.analysis.GetSlice(request))
    assert (what.code.name, what.fields) == ("INVALID_ARGUMENT", ["resolution"])
    request.resolution = 20
    assert len(rpc.analysis.GetSlice(request).points) == 400


def test_results_are_foretold_from_the_others(rpc: Rpc, bowl: StudyCalls) -> None:
    answer = rpc.analysis.CrossValidate(analysis_service_pb2.CrossValidateRequest(parent=bowl.name))
    assert [each.trial for each in answer.results] == list(range(1, 41))
    assert answer.rank_correlation > 0.98
    assert 0.85 <= answer.coverage_95 <= 1.0
    assert answer.rmse < 0.03


def test_trade_offs_between_two_objectives(rpc: Rpc, new_study: NewStudy) -> None:
    objectives = [
        study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE, reference_value=1.0),
        study_pb2.Objective(metric="speed", goal=study_pb2.GOAL_MAXIMIZE, reference_value=0.0),
    ]
    study = new_study(objectives=objectives)
    for trial, told in zip(study.ask(3), ((0.2, 1.0), (0.5, 3.0), (0.9, 2.0)), strict=True):
        study.tell(trial, metrics=metrics(told[0], speed=told[1]))
    answer = rpc.analysis.GetTradeOffs(analysis_service_pb2.GetTradeOffsRequest(parent=study.name))
    assert [(each.trial, dict(each.values)) for each in answer.trade_offs] == [
        (1, {"loss": 0.2, "speed": 1.0}),
        (2, {"loss": 0.5, "speed": 3.0}),
    ]
    assert dict(answer.trade_offs[0].slopes) == {"speed": pytest.approx(2.0 / 0.3)}
    assert not answer.trade_offs[1].slopes
    assert [each.hypervolume_share for each in answer.trade_offs] == pytest.approx([0.3, 1.0])


def raw(parameters: Mapping[str, search_space_pb2.ParameterValue]) -> dict[str, Any]:
    """A configuration as plain values."""
    return {name: getattr(each, str(each.WhichOneof("kind"))) for name, each in parameters.items()}
