"""Plots of what a model says: what is drawn of importances, interactions, slices, contours and a front."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

import pytest

from asktell import (
    Bool,
    Categorical,
    Discrete,
    Float,
    Importance,
    Importances,
    Interaction,
    Interactions,
    Maximize,
    Minimize,
    Prediction,
    Slice,
    SlicePoint,
    StudyView,
    TrialView,
)
from asktell._core.study_view import encode_study, names_of
from asktell.plotting import belief, front, page, shares
from asktell.plotting.look import data
from asktell.spaces import Domain
from asktell.v1 import trial_pb2
from tests.support.browser import visit

SPACE: dict[str, Domain] = {
    "a.lr": Float(1e-4, 1, log=True),
    "rank": Discrete([4, 8, 16]),
    "opt": Categorical(["adam", "sgd"]),
    "x": Float(0, 1),
    "flag": Bool(),
}


@pytest.fixture
def study() -> StudyView:
    """A study of every kind of parameter."""
    message = encode_study({"space": SPACE, "objectives": [Minimize("val.loss"), Maximize("acc")]})
    message.name = "projects/p/studies/lora"
    return StudyView(message)


def a_trial(study: StudyView, number: int, metrics: Mapping[str, float]) -> TrialView:
    trial = trial_pb2.Trial(number=number, state=trial_pb2.TRIAL_STATE_SUCCEEDED)
    trial.parameters["a.lr"].double_value = 1e-2
    trial.parameters["rank"].int_value = 8
    for name, value in metrics.items():
        trial.metrics[name].value = value
    return TrialView(trial, names_of(study.message))


def a_slice(*values: tuple[str, list[Any]]) -> Slice:
    """A slice over the values, whose mean is the number of the point."""
    points = [
        SlicePoint(
            params=dict(zip((name for name, _ in values), at, strict=True)),
            prediction=Prediction(mean=float(number), standard_deviation=0.5, acquisition_value=0),
        )
        for number, at in enumerate(itertools.product(*(each for _, each in values)))
    ]
    names = tuple(name for name, _ in values)
    return Slice(metric="val.loss", parameters=names, points=points, reference={"x": 0.25}, result_count=9)


def rows_of(chart: Any) -> list[list[dict[str, Any]]]:
    """The rows of every data set; the chart is checked against Vega-Lite's schema."""
    found = []

    def find(part: Any) -> None:
        if isinstance(part, list):
            for each in part:
                find(each)
        elif isinstance(part, dict):
            if "values" in part.get("data", {}):
                found.append(part["data"]["values"])
            for name, each in part.items():
                if name != "data":
                    find(each)

    find(chart.to_dict())
    return found


def test_importances_are_bars_in_their_order_with_ranges_inside_the_axis(study: StudyView) -> None:
    found = Importances(
        [
            Importance(parameter="x", share=0.1, total_share=0.2, share_deviation=0, total_share_deviation=0.3),
            Importance(parameter="a.lr", share=0.6, total_share=0.9, share_deviation=0, total_share_deviation=0.2),
        ],
        metric="val.loss",
        result_count=9,
    )
    chart = shares.importances(study, found)
    together, alone, ranges = rows_of(chart)
    assert [(bar["parameter"], bar["share"]) for bar in together] == [("a.lr", 0.9), ("x", 0.2)]
    assert [(bar["parameter"], bar["share"]) for bar in alone] == [("a.lr", 0.6), ("x", 0.1)]
    assert [(each["low"], each["high"]) for each in ranges] == [(pytest.approx(0.7), 1), (0, pytest.approx(0.5))]
    assert chart.to_dict()["layer"][0]["encoding"]["y"]["sort"] == ["a.lr", "x"]


def test_interactions_are_the_ten_strongest(study: StudyView) -> None:
    found = [
        Interaction(parameters=("x", f"p{number}"), share=number / 20, share_deviation=0.01) for number in range(15)
    ]
    bars, _ = rows_of(shares.interactions(study, Interactions(found, metric="val.loss", result_count=9)))
    assert [bar["pair"] for bar in bars] == [f"x and p{number}" for number in range(14, 4, -1)]


@pytest.mark.parametrize(
    ("name", "values", "mark"),
    [("a.lr", [1e-4, 1e-2, 1], "area"), ("rank", [4, 8, 16], "area"), ("opt", ["adam", "sgd"], "rule")],
)
def test_a_slice_has_its_uncertainty(study: StudyView, name: str, values: list[Any], mark: str) -> None:
    chart = belief.slice_along(study, a_slice((name, values)))
    (rows,) = rows_of(chart)
    assert chart.to_dict()["layer"][0]["mark"]["type"] == mark
    assert [row["x"] for row in rows] == values
    assert all(row["low"] == pytest.approx(row["mean"] - 0.98) for row in rows)
    assert all(row["high"] == pytest.approx(row["mean"] + 0.98) for row in rows)


def test_a_contour_covers_the_space_without_gaps(study: StudyView) -> None:
    lr, rank = [1e-4, 1e-3, 1e-1, 1.0], [4, 8, 16]
    trials = [a_trial(study, 1, {"val.loss": 2}), a_trial(study, 2, {"val.loss": 1})]
    area, dots, ring, *uncertainty = rows_of(belief.contour(study, trials, a_slice(("a.lr", lr), ("rank", rank))))
    columns = sorted({(row["x"], row["x2"]) for row in area})
    assert columns[0][0] == 1e-4
    assert columns[-1][1] == 1
    assert all(left[1] == right[0] for left, right in itertools.pairwise(columns))
    assert columns[0][1] == pytest.approx(math.sqrt(1e-4 * 1e-3)), "half-way on the parameter's scale"
    assert len(area) == len(lr) * len(rank)
    assert [(row["x"], row["y"]) for row in dots] == [(1e-2, 8)] * 2
    assert [row["trial"] for row in ring] == [2]
    assert uncertainty[0] == area


def test_a_contour_of_categories_has_no_edges(study: StudyView) -> None:
    found = a_slice(("opt", ["adam", "sgd"]), ("flag", [False, True]))
    area, *_ = rows_of(belief.contour(study, [], found))
    assert [(row["x"], row["y"]) for row in area] == [
        ("adam", "false"), ("adam", "true"), ("sgd", "false"), ("sgd", "true"),
    ]  # fmt: skip
    assert not any("x2" in row for row in area)


def test_a_front_is_joined_in_the_order_of_the_first_objective(study: StudyView) -> None:
    losses = {1: (3, 0.9), 2: (1, 0.5), 3: (2, 0.7), 4: (3, 0.1)}
    trials = [a_trial(study, number, {"val.loss": loss, "acc": acc}) for number, (loss, acc) in losses.items()]
    others, line, best = rows_of(front.front(study, trials, {1, 2, 3}))
    assert [row["trial"] for row in others] == [4]
    assert [row["trial"] for row in line] == [row["trial"] for row in best] == [2, 3, 1]


def test_a_page_runs_its_own_script_and_no_other(tmp_path: Any) -> None:
    alt = pytest.importorskip("altair")
    chart = alt.Chart(data([{"x": "</script><script>document.title='evil'</script>"}])).mark_text().encode(text="x:N")
    drawn = page.Section(key="a", title="A <b>", figures=[page.Figure(chart=chart, caption='a "dot"')])
    foreign = '<img src="http://evil.example/a.png"><script>document.title = "evil"</script><b onclick="x">b</b>'
    path = tmp_path / "page.html"
    path.write_text(page.render("T <i>", [drawn, page.Section(key="b", title="B", body=foreign)]), encoding="utf-8")
    seen = visit(path.as_uri(), tmp_path / "profile")
    assert re.findall(r"<title>([^<]*)</title>", seen.shown)[0] == "T &lt;i&gt;"
    assert 'class="marks"' in seen.shown
    assert 'aria-label="a &quot;dot&quot;"' in seen.shown
    assert seen.requests == []
    assert len(seen.console) == 3, seen.console  # the image, the script and the handler
    assert all("Content Security Policy" in line for line in seen.console)
