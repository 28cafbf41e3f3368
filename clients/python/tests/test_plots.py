"""Plots: what is drawn of studies of no, one and many trials."""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from asktell import (
    Bool,
    Categorical,
    Discrete,
    Domain,
    Float,
    Int,
    Maximize,
    Measurement,
    Minimize,
    OutcomeConstraint,
    StudyView,
    TrialView,
)
from asktell._core.plots import load_plotting
from asktell._core.study_view import encode_study, names_of
from asktell.plotting import charts, parallel
from asktell.plotting.front import front
from asktell.plotting.output import format_of
from asktell.plotting.points import Numeric, ticks_of
from asktell.v1 import trial_pb2

CHOICES = ["adam", "</script><script>document.title='evil'</script>"]
SPACE: dict[str, Domain] = {
    "learning.rate[0]": Float(1e-5, 1e-1, log=True),
    "layers": Int(1, 8),
    "rank": Discrete([4, 8, 16, 32]),
    "optimizer": Categorical(CHOICES),
    "nesterov": Bool(),
}
EVERY_STATE = ["SUCCEEDED", "STOPPED", "FAILED", "INFEASIBLE", "CANCELLED", "ABANDONED", "RUNNING", "QUEUED"]


def a_study(count: int) -> tuple[StudyView, list[TrialView], list[tuple[TrialView, list[Measurement]]]]:
    """A study of `count` trials in all states in turn, and what they reported."""
    study = encode_study({"space": SPACE, "objectives": [Minimize("val.loss")], "metrics": ["acc"]})
    study.name = "projects/p/studies/lora"
    draw, found = random.Random(1), []
    for number in range(1, count + 1):
        state = EVERY_STATE[(number - 1) % len(EVERY_STATE)]
        trial = trial_pb2.Trial(
            name=f"{study.name}/trials/{number}",
            number=number,
            state=trial_pb2.TrialState.Value(f"TRIAL_STATE_{state}"),
        )
        trial.parameters["learning.rate[0]"].double_value = 10 ** draw.uniform(-5, -1)
        trial.parameters["layers"].int_value = draw.randint(1, 8)
        trial.parameters["rank"].int_value = draw.choice([4, 8, 16, 32])
        trial.parameters["optimizer"].string_value = draw.choice(CHOICES)
        trial.parameters["nesterov"].bool_value = draw.random() < 0.5
        reports = []
        if state in {"SUCCEEDED", "STOPPED"}:
            trial.metrics["val.loss"].value = loss = draw.random()
            trial.metrics["acc"].value = 1 - loss
            reports = [
                Measurement(step=step, metrics={"val.loss": loss + 1 / step}, report_time=None) for step in (1, 2)
            ]
        found.append((TrialView(trial, names_of(study)), reports))
    return StudyView(study), [trial for trial, _ in found], found


def rows_of(chart: Any) -> list[list[dict[str, Any]]]:
    """The rows of every data set of a chart; the chart is checked against Vega-Lite's schema."""
    drawn = chart.to_dict()

    def find(part: Any) -> list[list[dict[str, Any]]]:
        if isinstance(part, list):
            return [found for each in part for found in find(each)]
        if not isinstance(part, dict):
            return []
        own = [part["data"]["values"]] if "values" in part.get("data", {}) else []
        return own + [found for name, each in part.items() if name != "data" for found in find(each)]

    return find(drawn)


@pytest.mark.parametrize("count", [0, 1, 500])
def test_every_plot_of_any_number_of_trials(count: int) -> None:
    study, trials, curves = a_study(count)
    measured = [trial for trial in trials if "val.loss" in trial.metrics]
    lost = sum(trial.state in {"FAILED", "INFEASIBLE", "CANCELLED", "ABANDONED"} for trial in trials)
    best, marked, points = rows_of(charts.history(study, trials))
    assert [row["trial"] for row in points] == [trial.number for trial in measured]
    assert [row["best"] for row in best] == [min(row["value"] for row in points[: n + 1]) for n in range(len(points))]
    assert len(marked) == lost
    slices = rows_of(charts.slices(study, trials))
    assert [len(rows) for rows in slices] == [lost, len(measured), bool(measured)] * len(SPACE)
    lines, ends = rows_of(charts.curves(study, curves))
    assert (len(lines), len(ends)) == (2 * len(measured), len(measured))
    axes = rows_of(parallel.parallel(study, trials))
    places = next(rows for rows in axes if not rows or ("place" in rows[0] and "trial" in rows[0]))
    assert len(places) == len(measured) * (len(SPACE) + 1)
    assert all(0 <= row["place"] <= 1 for row in places)


def test_axes_are_named_and_logarithmic_where_the_parameter_is() -> None:
    study, trials, _ = a_study(20)
    cells = charts.slices(study, trials).to_dict()["vconcat"][0]["concat"]
    x = [cell["layer"][1]["encoding"]["x"] for cell in cells]
    assert [axis["title"] for axis in x] == list(SPACE)
    assert [axis["type"] for axis in x] == ["quantitative"] * 3 + ["nominal"] * 2
    assert [axis["scale"].get("type") for axis in x[:3]] == ["log", "linear", "log"]
    assert x[0]["axis"]["values"] == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
    assert x[2]["axis"]["values"] == [4, 8, 16, 32]
    assert {cell["layer"][1]["encoding"]["y"]["title"] for cell in cells} == {"val.loss (minimized)"}
    fields = set()

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            fields.update([part["field"]] if isinstance(part.get("field"), str) else [])
            for each in part.values():
                collect(each)
        elif isinstance(part, list):
            for each in part:
                collect(each)

    collect(cells)
    assert not any(set(field) & set(".[]") for field in fields), "names of people are no paths of Vega-Lite"


@pytest.mark.parametrize(
    ("domain", "ticks"),
    [
        (Int(2, 64, log=True), [2, 11, 64]),
        (Float(0.2, 0.7, log=True), [0.2, 0.37, 0.7]),
        (Float(1e-3, 1e-1, log=True), [1e-3, 1e-2, 1e-1]),
    ],
)
def test_ticks_are_short_to_write(domain: Numeric, ticks: list[float]) -> None:
    assert ticks_of(domain) == pytest.approx(ticks)


def test_values_over_magnitudes_get_a_logarithmic_axis() -> None:
    study, trials, _ = a_study(1)
    trials[0].message.metrics["val.loss"].value = 1e-3
    wide = trial_pb2.Trial(number=2, state=trial_pb2.TRIAL_STATE_SUCCEEDED)
    wide.metrics["val.loss"].value = 1e3
    chart = charts.history(study, [trials[0], TrialView(wide)]).to_dict()
    assert chart["vconcat"][0]["layer"][-1]["encoding"]["y"]["scale"]["type"] == "log"


def test_several_metrics_stand_below_each_other_and_an_unknown_one_is_named() -> None:
    study, trials, _ = a_study(20)
    chart = charts.history(study, trials, metrics=["val.loss", "acc"]).to_dict()
    titles = [each["layer"][-1]["encoding"]["y"]["title"] for each in chart["vconcat"]]
    assert titles == ["val.loss (minimized)", "acc"]
    with pytest.raises(ValueError, match=r"^the study has no metric 'auc'; it has val\.loss, acc$"):
        charts.history(study, trials, metrics=["auc"])


def test_a_failed_trial_with_metrics_is_not_drawn_beside_the_front() -> None:
    message = encode_study({"space": SPACE, "objectives": [Minimize("loss"), Maximize("acc")]})
    trials = []
    for number, state in enumerate(("SUCCEEDED", "FAILED"), start=1):
        told = {"loss": trial_pb2.Metric(value=number), "acc": trial_pb2.Metric(value=0.5)}
        code = trial_pb2.TrialState.Value(f"TRIAL_STATE_{state}")
        trials.append(TrialView(trial_pb2.Trial(number=number, state=code, metrics=told), names_of(message)))
    drawn = rows_of(front(StudyView(message), trials, {1}))
    assert {each["trial"] for rows in drawn for each in rows} == {1}


def test_the_best_is_the_highest_where_higher_is_better() -> None:
    study = encode_study({"space": {"x": Float(0, 1)}, "objectives": [Maximize("acc")]})
    trials = []
    for number, value in enumerate([0.5, 0.9, 0.7], start=1):
        trial = trial_pb2.Trial(number=number, state=trial_pb2.TRIAL_STATE_SUCCEEDED)
        trial.parameters["x"].double_value = value
        trial.metrics["acc"].value = value
        trials.append(TrialView(trial, names_of(study)))
    best, *_ = rows_of(charts.history(StudyView(study), trials))
    assert [row["best"] for row in best] == [0.5, 0.9, 0.9]
    ring = rows_of(charts.slices(StudyView(study), trials))[2]
    assert [row["trial"] for row in ring] == [2]


def test_a_trial_that_misses_the_constraints_is_never_the_best() -> None:
    study = encode_study(
        {
            "space": {"x": Float(0, 1)},
            "objectives": [Minimize("loss")],
            "outcome_constraints": [OutcomeConstraint(metric="memory", max=16)],
        }
    )
    trials = []
    for number, (loss, memory) in enumerate([(0.1, 32), (0.5, 8), (0.2, 32), (0.4, 8)], start=1):
        trial = trial_pb2.Trial(number=number, state=trial_pb2.TRIAL_STATE_SUCCEEDED, violation=max(0, memory / 16 - 1))
        trial.parameters["x"].double_value = loss
        trial.metrics["loss"].value, trial.metrics["memory"].value = loss, memory
        trials.append(TrialView(trial, names_of(study)))
    shown = StudyView(study)
    best, _, points = rows_of(charts.history(shown, trials))
    assert [(row["trial"], row["best"]) for row in best] == [(2, 0.5), (4, 0.4)]
    assert len(points) == 4
    assert [row["trial"] for row in rows_of(charts.slices(shown, trials))[2]] == [4]
    assert rows_of(charts.history(shown, trials, metrics=["memory"]))[2][0]["value"] == 32
    assert [row["best"] for row in rows_of(charts.history(shown, trials[:1]))[0]] == []


@pytest.mark.parametrize("name", ["plot.pdf", "plot", "html"])
def test_other_files_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^a plot is a file that ends in \.html, \.png, \.svg, got '{name}'$"):
        format_of(Path(name))


def test_a_parameter_that_a_trial_does_not_have_leaves_a_gap() -> None:
    study, trials, _ = a_study(1)
    del trials[0].message.parameters["rank"]
    assert [len(rows) for rows in rows_of(charts.slices(study, trials))][6:9] == [0, 0, 0]
    assert math.isclose(len(rows_of(parallel.parallel(study, trials))[1]), len(SPACE))


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    monkeypatch.delitem(sys.modules, "asktell.plotting.output", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"^plots need Altair, .*: pip install 'asktell\[plot\]'$"):
        load_plotting("output")
