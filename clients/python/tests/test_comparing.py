"""Two trials, or two studies, side by side."""

from __future__ import annotations

import pytest

from asktell import Maximize, Minimize, Objective, StudyView, TrialView
from asktell._core.comparing import compare_studies, compare_trials
from asktell._core.rivals import rivals
from asktell._core.study_view import encode_study
from asktell._core.trial_view import Names
from asktell.comparison import Comparison
from asktell.spaces import Float
from asktell.v1 import search_space_pb2, trial_pb2

STATES = trial_pb2.TrialState


def a_trial(number: int, metrics: dict[str, float] | None = None, **fields: object) -> TrialView:
    state = fields.pop("state", "SUCCEEDED" if metrics else "FAILED")
    message = trial_pb2.Trial(
        name=f"s/trials/{number}",
        number=number,
        state=STATES.Value(f"TRIAL_STATE_{state}"),
        metrics={name: trial_pb2.Metric(value=value) for name, value in (metrics or {}).items()},
        parameters={"x": search_space_pb2.ParameterValue(double_value=number / 10)},
        **fields,  # type: ignore[arg-type]
    )
    message.finish_time.FromSeconds(1000 - number)  # the later number ended first
    return TrialView(message, Names(("x",), ("loss", "acc")))


def a_study(*objectives: Objective, **options: object) -> StudyView:
    return StudyView(encode_study({"space": {"x": Float(0, 1)}, "objectives": list(objectives), **options}))  # type: ignore[typeddict-item]


def by_name(compared: Comparison, group: str) -> dict[str, tuple[object, object, str]]:
    return {each.name: (each.left, each.right, each.better) for each in compared.items if each.group == group}


def test_a_goal_says_which_value_is_better() -> None:
    left = a_trial(1, {"loss": 0.5, "acc": 0.9, "seconds": 3})
    right = a_trial(2, {"loss": 0.4, "acc": 0.9, "bytes": 7})
    compared = compare_trials(left, right, [Minimize("loss"), Maximize("acc")])
    assert by_name(compared, "metric") == {
        "loss": (0.5, 0.4, "right"),
        "acc": (0.9, 0.9, ""),
        "seconds": (3.0, None, ""),
        "bytes": (None, 7.0, ""),
    }
    assert [each.name for each in compared.same if each.group == "metric"] == ["acc"]
    assert next(each for each in compared if each.name == "loss").change == pytest.approx(-0.1)
    assert list(compared) == [*compared.differing, *compared.same]
    assert len(compared) == len(compared.items)


def test_the_best_so_far_goes_by_the_order_of_the_ends() -> None:
    trials = [a_trial(number, {"acc": number / 100}) for number in range(1, 13)]  # 12 ended first
    compared = compare_studies(a_study(Maximize("acc")), trials, a_study(Maximize("acc")), trials[:11])
    assert {name: sides[:2] for name, sides in by_name(compared, "best").items()} == {
        "acc after 1 trial": (0.12, 0.11),
        "acc after 2 trials": (0.12, 0.11),
        "acc after 5 trials": (0.12, 0.11),
        "acc after 10 trials": (0.12, 0.11),
        "acc after 11 trials": (0.12, 0.11),
    }


def test_what_is_no_result_of_the_study_does_not_count() -> None:
    own = [a_trial(5, {"loss": 0.5}), a_trial(4), a_trial(3, {"loss": 0.1}, violation=0.2)]
    others = [
        a_trial(9, {"loss": 0.0}, origin=trial_pb2.ORIGIN_IMPORT),
        a_trial(8, {"loss": 0.0}, state="RUNNING"),
        a_trial(7, state="CANCELLED"),
    ]
    study = a_study(Minimize("loss"))
    compared = compare_studies(study, [*own, *others], study, own[:1])
    assert by_name(compared, "best") == {"loss after 1 trial": (0.5, 0.5, "")}
    assert by_name(compared, "study")["trials ended"] == (3, 1, "")
    assert by_name(compared, "best trial")["number"] == (5, 5, "")


def test_a_trial_that_did_not_run_the_whole_is_not_the_best() -> None:
    study = StudyView(encode_study({"space": {"x": Float(0, 0.5, fidelity=True)}, "objectives": [Minimize("loss")]}))
    compared = compare_studies(study, [a_trial(1, {"loss": 0.1}), a_trial(5, {"loss": 0.5})], study, [])
    assert by_name(compared, "best trial")["number"] == (5, None, "")


def test_of_a_reopened_study_the_newest_data_with_a_result_has_the_best() -> None:
    message = encode_study({"space": {"x": Float(0, 1)}, "objectives": [Minimize("loss")]})
    for decay in (0.5, 1.0):  # epochs 2 and 3 are of the same data
        message.reopenings.add(decay=decay)
    study = StudyView(message)
    old = [a_trial(1, {"loss": 0.1}), a_trial(2, {"loss": 0.2}, data_epoch=1), a_trial(3, data_epoch=3)]
    new = [a_trial(4, {"loss": 0.4}, data_epoch=2), a_trial(5, {"loss": 0.5}, data_epoch=3)]
    assert [each.number for each in rivals(study, old, "loss")] == [1, 2]
    assert [each.number for each in rivals(study, [*old, *new], "loss")] == [4, 5]
    assert by_name(compare_studies(study, old, study, [*old, *new]), "best trial")["number"] == (1, 4, "")


def test_studies_without_a_common_objective_or_results() -> None:
    compared = compare_studies(a_study(Minimize("loss")), [], a_study(Maximize("loss"), Minimize("ms")), [])
    assert (by_name(compared, "best"), by_name(compared, "best trial")) == ({}, {})
    assert "objectives" in {each.name for each in compared.differing}
    assert "seed" in {each.name for each in compared.same}
