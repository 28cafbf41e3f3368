"""What the server refuses is said in the words of the keyword arguments."""

from __future__ import annotations

from typing import Any

import pytest

import asktell
from asktell._core.study_requests import create_request, update_request
from asktell._core.values import encode_configuration
from asktell._core.words import callers_words, in_callers_words
from asktell.v1 import suggestion_service_pb2, trial_service_pb2

STUDY = create_request(
    "p",
    "s",
    {
        "space": {"lr": asktell.Float(0, 1), "a.b": asktell.Bool(), "twice": asktell.Derived("2 * lr")},
        "objectives": asktell.Minimize("loss"),
    },
)
ENQUEUED = trial_service_pb2.EnqueuedTrial(parameters=encode_configuration({"lr": 7}))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("study.search_space.parameters[0].float_domain.min", "space['lr'].min"),
        ("study.search_space.parameters[1].discrete_domain.values[2]", "space['a.b'].values[2]"),
        ("study.search_space.parameters[1].default_value", "space['a.b'].default"),
        ("study.search_space.parameters[0].prior", "space['lr'].prior"),
        ("study.search_space.parameters[0].prior.normal", "space['lr'].prior"),
        ("study.search_space.parameters[0].prior.normal.mean", "space['lr'].prior.mean"),
        ("study.search_space.parameters[1].prior.weights", "space['a.b'].prior"),
        ("study.search_space.parameters[1].prior.weights.weights[0]", "space['a.b'].prior.weights[0]"),
        ("study.search_space.parameters[1].name", "space['a.b'].name"),
        ("study.search_space.derived_parameters[0].expression", "space['twice'].expression"),
        ("study.search_space.parameters", "space"),
        ("study.objectives[0].metric", "objectives[0].metric"),
        ("study.tracked_metrics[3].metric", "metrics[3]"),
        ("study.algorithm.grid.levels[lr]", "algorithm.levels['lr']"),
        ("study.algorithm.bayesian.start_trials", "algorithm.start_trials"),
        ("study.stopping_rules.target_value", "target"),
        ("study.lease_policy.lease_duration", "lease_s"),
        ("study.max_running_trials", "max_running"),
        ("study.labels[team]", "labels['team']"),
        ("study_id", "study_id"),
    ],
)
def test_paths_of_a_study(path: str, words: str) -> None:
    assert callers_words(path, STUDY) == words


@pytest.mark.parametrize(
    ("request_", "path", "words"),
    [
        (
            update_request("s", {"min_expected_gain": 0.0}, etag=""),
            "study.stopping_rules.min_expected_gain",
            "min_expected_gain",
        ),
        (update_request("s", {"patience": 0}, etag=""), "study.stopping_rules.patience_trials", "patience"),
        (trial_service_pb2.EnqueueTrialsRequest(trials=[ENQUEUED]), "trials[0].parameters[lr]", "params['lr']"),
        (trial_service_pb2.EnqueueTrialsRequest(trials=[ENQUEUED] * 2), "trials[1].parameters[lr]", "params[1]['lr']"),
        (trial_service_pb2.ImportTrialsRequest(), "trials[1].parameters[lr]", "trials[1].params['lr']"),
        (trial_service_pb2.ImportTrialsRequest(), "trials[1].metrics[val/loss]", "trials[1].metrics['val/loss']"),
        (trial_service_pb2.ImportTrialsRequest(), "trials[1].import_key", "trials[1].key"),
        (trial_service_pb2.AskRequest(), "fixed_parameters[lr]", "fixed['lr']"),
        (suggestion_service_pb2.SuggestRequest(), "fixed_parameters[lr]", "fixed['lr']"),
        (trial_service_pb2.TellRequest(), "metrics[loss].value", "metrics['loss']"),
        (trial_service_pb2.TellRequest(), "metrics[loss].standard_error", "metrics['loss'].standard_error"),
        (trial_service_pb2.UpdateTrialRequest(), "trial.labels[a]", "labels['a']"),
        (
            suggestion_service_pb2.SuggestRequest(
                problem=suggestion_service_pb2.Problem(search_space=STUDY.study.search_space)
            ),
            "problem.search_space.parameters[0].float_domain.max",
            "space['lr'].max",
        ),
        (suggestion_service_pb2.SuggestRequest(), "observations[2].parameters[lr]", "observations[2].params['lr']"),
        (suggestion_service_pb2.SuggestRequest(), "pending[2].parameters[lr]", "pending[2]['lr']"),
    ],
)
def test_paths_of_other_requests(request_: Any, path: str, words: str) -> None:
    assert callers_words(path, request_) == words


def test_the_text_is_reworded_and_the_field_stays() -> None:
    path = "trials[0].parameters[n]"
    message = f"{path}: must be an int (int_value), got the string '5' (string_value)"
    error = asktell.ValueOutsideSpace(message, reason="VALUE_OUTSIDE_SPACE", metadata={"field": path})
    said = in_callers_words(error, trial_service_pb2.EnqueueTrialsRequest(trials=[ENQUEUED]))
    assert type(said) is asktell.ValueOutsideSpace
    assert str(said) == "params['n']: must be an int, got the string '5'"
    assert said.field == path
    elsewhere = asktell.InvalidArgument("4:17: parameters.x.min: must be", metadata={"field": "study.search_space"})
    assert in_callers_words(elsewhere, STUDY) is elsewhere, "a study file's own places stay"
