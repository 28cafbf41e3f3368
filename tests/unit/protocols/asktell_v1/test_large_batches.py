"""Large batches and pages let other calls have the loop between their items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from asktell.v1 import (
    search_space_pb2,
    study_service_pb2,
    suggestion_service_pb2,
    trial_pb2,
    trial_service_pb2,
)
from asktell_server import pace
from asktell_server.domain.errors import InvalidArgument
from asktell_server.protocols.asktell_v1.conversion.suggestions import request_from
from asktell_server.protocols.asktell_v1.conversion.trials import filter_from, past_trials_from, update_from
from asktell_server.protocols.asktell_v1.study_servicer import StudyServicer
from asktell_server.protocols.asktell_v1.trial_servicer import TrialServicer
from asktell_server.service.suggesting import task_of
from tests.support.rpc import a_study, float_parameter, metrics, space, value, values
from tests.support.turns import turns_of
from tests.unit.protocols.asktell_v1.conftest import CALL

TRIALS = 50
PARAMETERS = [f"parameter_{index}" for index in range(100)]
SPACE = space(*(float_parameter(name) for name in PARAMETERS))


def _values(number: float) -> dict[str, search_space_pb2.ParameterValue]:
    return values(dict.fromkeys(PARAMETERS, number))


def _past(index: int) -> trial_service_pb2.ImportedTrial:
    return trial_service_pb2.ImportedTrial(
        import_key=str(index), parameters=_values(index / 1000), metrics=metrics(loss=index)
    )


@pytest.fixture
def _every_item_is_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PIECE_S", 0.0)


@pytest.mark.usefixtures("_every_item_is_a_piece")
async def test_many_trials_are_imported_and_listed_in_pieces(studies: StudyServicer, trials: TrialServicer) -> None:
    large = a_study(search_space=SPACE)
    await studies.CreateStudy(study_service_pb2.CreateStudyRequest(study_id="large", study=large), CALL)
    past = trial_service_pb2.ImportTrialsRequest(
        study="large", trials=[_past(index) for index in range(TRIALS)], request_id="import"
    )
    page = trial_service_pb2.ListTrialsRequest(parent="large", page_size=1000)
    queue = trial_service_pb2.EnqueueTrialsRequest(
        study="large",
        trials=[trial_service_pb2.EnqueuedTrial(parameters=_values(index / 1000)) for index in range(TRIALS)],
        request_id="enqueue",
    )
    # Each is read, digested, checked, put into the view, and written into the answer.
    assert await turns_of(trials.ImportTrials(past, CALL)) >= 5 * TRIALS
    assert await turns_of(trials.ListTrials(page, CALL)) >= TRIALS
    assert await turns_of(trials.EnqueueTrials(queue, CALL)) >= 5 * TRIALS


@pytest.mark.usefixtures("_every_item_is_a_piece")
async def test_a_long_history_is_read_in_pieces() -> None:
    problem = suggestion_service_pb2.Problem(search_space=SPACE, objectives=a_study().objectives)
    tried = suggestion_service_pb2.Observation(
        parameters=_values(0.5), metrics=metrics(loss=1), state=trial_pb2.TRIAL_STATE_SUCCEEDED
    )
    pending = suggestion_service_pb2.Configuration(parameters=_values(0.5))
    request = suggestion_service_pb2.SuggestRequest(
        problem=problem, observations=[tried] * TRIALS, pending=[pending] * 9
    )
    assert await turns_of(task_of(request_from(request))) == TRIALS + 9


MANY = {str(index): "x" for index in range(100_000)}


@pytest.mark.parametrize(
    ("read", "field"),
    [
        (lambda: past_trials_from([trial_service_pb2.ImportedTrial(labels=MANY)]), "trials[0].labels"),
        (lambda: past_trials_from([trial_service_pb2.ImportedTrial(annotations=MANY)]), "trials[0].annotations"),
        (
            lambda: past_trials_from([trial_service_pb2.ImportedTrial(parameters=dict.fromkeys(MANY, value(1.0)))]),
            "trials[0].parameters",
        ),
        (
            lambda: past_trials_from([trial_service_pb2.ImportedTrial(metrics=dict.fromkeys(MANY, trial_pb2.Metric(value=1)))]),
            "trials[0].metrics",
        ),
        (lambda: update_from(trial_pb2.Trial(), [f"labels.{key}" for key in MANY]), "update_mask.paths"),
        (lambda: update_from(trial_pb2.Trial(labels=MANY), ["labels"]), "trial.labels"),
        (lambda: filter_from(trial_service_pb2.TrialFilter(states=[trial_pb2.TRIAL_STATE_QUEUED] * 101)), "filter.states"),
        (lambda: filter_from(trial_service_pb2.TrialFilter(labels=MANY)), "filter.labels"),
    ],
)  # fmt: skip
async def test_numbers_of_items_are_looked_at_first(read: Callable[[], Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await read()
    assert caught.value.field == field
