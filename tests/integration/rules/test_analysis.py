"""AnalysisService over gRPC: what the model of a study says, from real workers."""

from __future__ import annotations

import math

import pytest

from asktell.v1 import analysis_service_pb2, suggestion_service_pb2, trial_service_pb2
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
