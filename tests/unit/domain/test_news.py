"""How much a result tells that its prediction did not."""

from __future__ import annotations

import dataclasses

import pytest

from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.news import EXPECTED_WITHIN, RESULT, news
from asktell_server.domain.trial import Origin, Prediction, Trial, TrialState
from tests.support.builders import NOW

LOSS = Objective(metric="loss", goal=Goal.MINIMIZE)


def predicted(
    deviations: float, *, standard_error: float | None = None, state: TrialState = TrialState.SUCCEEDED
) -> Trial:
    """A trial that ended so many standard deviations (of 0.1) above what was predicted for it."""
    return Trial(
        state=state,
        parameters={"lr": 0.1},
        origin=Origin.MODEL,
        metrics={"loss": Metric(value=2.0 + 0.1 * deviations, standard_error=standard_error)},
        create_time=NOW,
        prediction=Prediction(mean=2.0, standard_deviation=0.1, acquisition_value=0.0),
    )


@pytest.mark.parametrize("deviations", [0.0, 0.3, 0.75, 0.99])
@pytest.mark.parametrize("sign", [-1, 1])
def test_news_are_in_proportion_to_the_surprise(deviations: float, sign: int) -> None:
    assert news(predicted(sign * deviations), LOSS) == pytest.approx(RESULT * deviations / EXPECTED_WITHIN, abs=1)


@pytest.mark.parametrize("deviations", [EXPECTED_WITHIN + 1e-6, -5.0, 1e9])
def test_there_is_no_more_news_than_a_result(deviations: float) -> None:
    assert news(predicted(deviations), LOSS) == RESULT


def test_a_standard_error_that_was_told_belongs_to_what_was_expected() -> None:
    assert news(predicted(2.0, standard_error=0.3), LOSS) < news(predicted(0.9), LOSS) < RESULT


@pytest.mark.parametrize(
    "state", [TrialState.FAILED, TrialState.INFEASIBLE, TrialState.CANCELLED, TrialState.ABANDONED]
)
def test_an_end_without_a_value_is_all_news(state: TrialState) -> None:
    assert news(predicted(0.0, state=state), LOSS) == RESULT


def test_a_value_that_nobody_predicted_is_all_news() -> None:
    assert news(dataclasses.replace(predicted(0.0), prediction=None), LOSS) == RESULT
    certain = Prediction(mean=2.0, standard_deviation=0.0, acquisition_value=0.0)
    assert news(dataclasses.replace(predicted(0.0), prediction=certain), LOSS) == RESULT


@pytest.mark.parametrize("state", [TrialState.QUEUED, TrialState.RUNNING])
def test_what_has_not_ended_is_no_news(state: TrialState) -> None:
    assert news(predicted(9.0, state=state), LOSS) == 0


def test_huge_numbers_are_reckoned_with() -> None:
    wild = dataclasses.replace(predicted(0.0), metrics={"loss": Metric(value=1e306, standard_error=1e307)})
    assert news(wild, LOSS) == RESULT // 10
