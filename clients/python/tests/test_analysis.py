"""What the model of a study is asked, and what its answers look like."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

import asktell
from asktell._core.shown import with_deviation
from asktell._core.study_view import encode_study
from asktell._core.values import encode_configuration
from asktell.v1 import analysis_service_pb2 as wire
from asktell.v1 import trial_pb2, trial_service_pb2
from tests.support.scripted_server import ScriptedServer, refusal

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def study(scripted: ScriptedServer) -> Any:
    """A study of two parameters and two objectives, on a server that is told what to answer."""
    message = encode_study(
        {
            "space": {"rank": asktell.Discrete([4, 8]), "lr": asktell.Float(1e-5, 1e-1, log=True)},
            "objectives": [asktell.Minimize("loss"), asktell.Minimize("ms")],
        }
    )
    message.name = "projects/default/studies/lora"
    scripted.answer("StudyService/GetStudy", message)
    with asktell.Client(scripted.address) as client:
        yield client.study("lora")


def the_request(scripted: ScriptedServer) -> Any:
    return scripted.calls[-1].request


def shares() -> wire.GetImportancesResponse:
    return wire.GetImportancesResponse(
        importances=[
            wire.Importance(parameters=["rank"], share=0.3, total_share=0.31, total_share_deviation=0.021),
            wire.Importance(parameters=["lr"], share=0.25, total_share=0.7, share_deviation=0.02),
            wire.Importance(parameters=["rank", "lr"], share=0.45, share_deviation=0.05),
        ],
        result_count=40,
    )


def test_importances_are_by_name_and_in_the_order_of_their_total_shares(
    scripted: ScriptedServer, study: asktell.Study
) -> None:
    scripted.answer("AnalysisService/GetImportances", shares())
    found = study.importances()
    assert list(found) == ["lr", "rank"]
    assert (found["rank"].share, found["rank"].total_share, found["rank"].total_share_deviation) == (0.3, 0.31, 0.021)
    assert repr(found) == "<Importances of loss from 40 results: lr 0.7 ± 0, rank 0.310 ± 0.021>"
    assert "<td" in found._repr_html_()
    assert (the_request(scripted).parent, the_request(scripted).metric) == (study.name, "")
    assert study.importances("ms").metric == the_request(scripted).metric == "ms"


def test_interactions_are_the_pairs(scripted: ScriptedServer, study: asktell.Study) -> None:
    scripted.answer("AnalysisService/GetImportances", shares())
    assert study.interactions() == [asktell.Interaction(parameters=("rank", "lr"), share=0.45, share_deviation=0.05)]
    assert "rank and lr" in study.interactions()._repr_html_()


def test_predictions_of_one_and_of_several(scripted: ScriptedServer, study: asktell.Study) -> None:
    belief = trial_pb2.Belief(mean=3, standard_deviation=1)
    said = trial_pb2.Prediction(mean=0.25, standard_deviation=0.01, beliefs={"ms": belief})
    scripted.answer("AnalysisService/PredictOutcomes", wire.PredictOutcomesResponse(predictions=[said]))
    found = study.predict({"lr": 1e-3, "rank": 8})
    assert (found.mean, found.standard_deviation, found.beliefs["ms"].mean) == (0.25, 0.01, 3)
    assert the_request(scripted).configurations[0].parameters["rank"].int_value == 8
    assert study.predict([{"lr": 1e-3, "rank": 8}]) == [found]
    with pytest.raises(TypeError, match=r"^params\[0\]\['lr'\] must be "):
        study.predict({"lr": object()})  # type: ignore[dict-item]


def test_what_the_server_refuses_of_a_configuration_is_said_in_the_callers_words(
    scripted: ScriptedServer, study: asktell.Study
) -> None:
    refused = refusal(
        grpc.StatusCode.INVALID_ARGUMENT,
        "VALUE_OUTSIDE_SPACE",
        "configurations[0].parameters[lr]: 7 is above 0.1",
        field="configurations[0].parameters[lr]",
        parameter="lr",
    )
    scripted.answer("AnalysisService/PredictOutcomes", refused)
    with pytest.raises(asktell.ValueOutsideSpace, match=r"^params\['lr'\]: 7 is above 0\.1$"):
        study.predict({"lr": 7, "rank": 8})
    with pytest.raises(asktell.ValueOutsideSpace, match=r"^params\[0\]\['lr'\]: 7 is above 0\.1$"):
        study.predict([{"lr": 7, "rank": 8}, {"lr": 1e-3, "rank": 8}])


def test_a_slice_has_rows_for_a_data_frame(scripted: ScriptedServer, study: asktell.Study) -> None:
    points = [
        wire.SlicePoint(
            parameters=encode_configuration({"lr": lr, "rank": 8}),
            prediction=trial_pb2.Prediction(mean=lr, standard_deviation=0.5),
        )
        for lr in (0.01, 0.1)
    ]
    answer = wire.GetSliceResponse(points=points, reference=encode_configuration({"rank": 8}), result_count=9)
    scripted.answer("AnalysisService/GetSlice", answer)
    found = study.slice("lr", reference={"rank": 8}, resolution=2, metric="ms")
    assert found.to_dicts() == [{"lr": lr, "mean": lr, "standard_deviation": 0.5} for lr in (0.01, 0.1)]
    assert (found.parameters, found.reference, found.metric) == (("lr",), {"rank": 8}, "ms")
    assert list(found.points[0].params) == ["rank", "lr"], "in the study's order"
    asked = the_request(scripted)
    assert (list(asked.parameters), asked.resolution, asked.metric) == (["lr"], 2, "ms")
    assert asked.reference["rank"].int_value == 8
    assert "ms at rank=8" in found._repr_html_()
    study.slice("lr", resolution=0)
    assert the_request(scripted).resolution != 0, "0 is no word for the default"


def test_cross_validation_trade_offs_and_health(scripted: ScriptedServer, study: asktell.Study) -> None:
    left_out = wire.LeftOutResult(trial=3, observed=1.5, belief=trial_pb2.Belief(mean=1.4, standard_deviation=0.2))
    answer = wire.CrossValidateResponse(
        results=[left_out], rank_correlation=0.9, coverage_50=0.5, coverage_95=1, rmse=0.1
    )
    scripted.answer("AnalysisService/CrossValidate", answer)
    validated = study.cross_validate()
    assert (validated.rank_correlation, validated.coverage_50, validated.coverage_95) == (0.9, 0.5, 1)
    assert validated.results[0].trial_number == 3
    assert validated.results[0].belief == asktell.Belief(mean=1.4, standard_deviation=0.2)
    assert "0.90" in validated._repr_html_()

    trade = wire.TradeOff(trial=7, values={"ms": 2, "loss": 1}, slopes={"ms": -3}, hypervolume_share=0.1)
    scripted.answer("AnalysisService/GetTradeOffs", wire.GetTradeOffsResponse(trade_offs=[trade]))
    (found,) = study.trade_offs()
    assert (found.trial_number, list(found.values.items()), found.slopes) == (7, [("loss", 1), ("ms", 2)], {"ms": -3})

    finding = wire.HealthFinding(
        kind=wire.HEALTH_KIND_BEST_AT_BORDER,
        severity=wire.HEALTH_SEVERITY_WARNING,
        message=EVIL,
        advice="widen lr",
        parameters=["lr"],
        trials=[7],
    )
    gain = wire.ExpectedGain(trials=10, gain=0.003)
    newer = wire.HealthFinding(kind=999, message="from a newer server")  # type: ignore[arg-type]
    scripted.answer(
        "AnalysisService/GetHealth",
        wire.GetHealthResponse(findings=[finding, newer], expected_gains=[gain], result_count=12),
    )
    health = study.health()
    assert (health.findings[0].kind, health.findings[0].severity) == ("BEST_AT_BORDER", "WARNING")
    assert (health.findings[0].parameters, health.findings[0].trials) == (("lr",), (7,))
    assert health.findings[1].kind is asktell.HealthKind.UNSPECIFIED
    assert health.expected_gains == [asktell.ExpectedGain(trials=10, gain=0.003)]
    assert EVIL not in health._repr_html_()
    assert "of 10 further trials: 0.003" in health._repr_html_()


def test_too_few_results_say_how_many_are_needed(scripted: ScriptedServer, study: asktell.Study) -> None:
    few = refusal(
        grpc.StatusCode.FAILED_PRECONDITION, "TOO_FEW_RESULTS", "too few", metric="loss", results="2", required="3"
    )
    scripted.answer("AnalysisService/CrossValidate", few)
    with pytest.raises(asktell.TooFewResults) as caught:
        study.cross_validate()
    assert (caught.value.metric, caught.value.results, caught.value.required) == ("loss", 2, 3)


def test_the_model_is_plotted(scripted: ScriptedServer, study: asktell.Study) -> None:
    pytest.importorskip("altair")
    points = [
        wire.SlicePoint(
            parameters=encode_configuration({"lr": lr, "rank": rank}), prediction=trial_pb2.Prediction(mean=lr)
        )
        for lr in (0.01, 0.1)
        for rank in (4, 8)
    ]
    scripted.answer("AnalysisService/GetImportances", shares())
    scripted.answer("AnalysisService/GetSlice", wire.GetSliceResponse(points=points))
    scripted.answer("TrialService/ListTrials", trial_service_pb2.ListTrialsResponse())
    for chart in (study.plot.importances(), study.plot.interactions("ms"), study.plot.contour("lr", "rank")):
        assert chart.to_dict()["title"]["text"].startswith("lora: ")
    study.plot.slice("lr", reference={"rank": 8}, metric="ms").to_dict()
    asked = the_request(scripted)
    assert (list(asked.parameters), asked.metric, asked.reference["rank"].int_value) == (["lr"], "ms", 8)


def test_the_asynchronous_study_asks_the_same(scripted: ScriptedServer, study: asktell.Study) -> None:
    scripted.answer("AnalysisService/GetImportances", shares())
    prediction = wire.PredictOutcomesResponse(predictions=[trial_pb2.Prediction(mean=2)])
    scripted.answer("AnalysisService/PredictOutcomes", prediction)

    async def ask() -> tuple[asktell.Importances, asktell.Prediction]:
        async with asktell.AsyncClient(scripted.address) as client:
            theirs = await client.study("lora")
            return await theirs.importances(), await theirs.predict({"lr": 1e-3, "rank": 8})

    importances, predicted = asyncio.run(ask())
    assert repr(importances) == repr(study.importances())
    assert predicted.mean == 2


@pytest.mark.parametrize(
    ("mean", "deviation", "shown"),
    [
        (0.31234, 0.0213, "0.312 ± 0.021"),
        (12.34, 1.27, "12.3 ± 1.3"),
        (123456.7, 250.0, "123457 ± 250"),
        (1.5e-9, 2.5e-10, "1.5e-09 ± 2.5e-10"),
        (0.5, 0.0, "0.5 ± 0"),
        (0.5, float("nan"), "0.5 ± nan"),
    ],
)
def test_a_value_is_shown_to_the_digits_that_its_deviation_leaves(mean: float, deviation: float, shown: str) -> None:
    assert with_deviation(mean, deviation) == shown
