"""What a person sees of a study: rows, data frames, notebooks, the best trial."""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd
import polars as pl
import pytest

import asktell
from tests.integration.client.conftest import SPACE, do

pytestmark = pytest.mark.xdist_group("client")  # one server for all of them

HEAD = ["number", "state", "origin", "attempt", *(f"param.{name}" for name in SPACE), "metric.loss", "metric.acc"]
TAIL = ["duration_s", "reason", "worker_id", "create_time", "start_time", "finish_time"]


async def _three(study: Any) -> None:
    """A failed trial, one with a standard error, and one that runs and has reported."""
    failed = await do(study.ask())
    await do(failed.fail("Traceback:\nout <b>of</b> memory"))
    succeeded = await do(study.ask())
    await do(succeeded.tell(loss=asktell.MetricValue(0.5, 0.1), acc=1))
    await do(succeeded.label(team="nlp"))
    await do((await do(study.ask())).report(step=1, loss=0.7))


async def test_trials_are_rows_of_a_data_frame(study: Any) -> None:
    await _three(study)
    trials = await do(study.trials())
    assert list(trials[0]) == HEAD + TAIL
    assert dict(trials[1])["metric.loss"] == trials[1]["metric.loss"] == 0.5
    assert trials[0] != trials[1]
    assert len({*trials, *trials}) == 3
    for frame in (pd.DataFrame(trials), pl.DataFrame(trials)):
        assert list(frame.columns)[: len(HEAD)] == HEAD
        assert list(frame["state"]) == ["FAILED", "SUCCEEDED", "RUNNING"]
        assert frame["metric.loss"].sum() == 0.5
        assert list(frame["param.layers"]) == [trial.params["layers"] for trial in trials]


@pytest.mark.parametrize("library", [pd, pl])
async def test_a_data_frame_has_types(study: Any, library: Any) -> None:
    name = library.__name__
    empty = await do(study.dataframe(name))
    assert (list(empty.columns), len(empty)) == (HEAD + TAIL, 0)
    await _three(study)
    frame = await do(study.dataframe(name))
    assert isinstance(frame, library.DataFrame)
    assert {*frame.columns} == {*HEAD, *TAIL, "standard_error.loss", "label.team"}
    kinds = {column: str(frame[column].dtype).lower() for column in frame.columns}
    assert kinds["number"] == kinds["param.layers"] == "int64"
    assert kinds["param.lr"] == kinds["metric.loss"] == kinds["metric.acc"] == "float64"
    assert kinds["param.nesterov"].startswith("bool")
    assert kinds["finish_time"].startswith("datetime")
    assert len(await do(study.dataframe(name, states="running"))) == 1


async def test_without_pandas_polars_is_taken_and_without_both_the_error_says_what_to_install(
    study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(await do(study.dataframe()), pd.DataFrame)
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert isinstance(await do(study.dataframe()), pl.DataFrame)
    with pytest.raises(ModuleNotFoundError, match="needs pandas, which is not installed: pip install pandas"):
        await do(study.dataframe("pandas"))
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ModuleNotFoundError, match="needs pandas or polars"):
        await do(study.dataframe())
    with pytest.raises(ValueError, match="library must be 'pandas', 'polars' or None, got 'dask'"):
        await do(study.dataframe("dask"))


async def test_the_best_is_there_or_the_error_says_that_there_is_none(study: Any) -> None:
    for name in ("best_trial", "best_params", "best_value"):
        with pytest.raises(asktell.NoResult, match="studies/s has no result yet"):
            await do(getattr(study, name))
    for loss in (0.5, 0.25, 0.75):
        await do((await do(study.ask())).tell(loss=loss))
    assert (await do(study.best_trial)).number == 2
    assert await do(study.best_params) == (await do(study.trial(2))).params
    assert await do(study.best_value) == 0.25


async def test_measurements_are_never_silently_empty(study: Any) -> None:
    trial = await do(study.ask())
    assert await do(trial.measurements) == []
    await do(trial.report(step=1, loss=1))
    assert [each.step for each in await do(trial.measurements)] == [1], "a trial at work"
    await do(trial.report(step=2, loss=0.5))
    (listed,) = await do(study.trials())
    await do(trial.tell(loss=0.5))
    for seen in (trial, listed, await do(study.best_trial), await do(study.trial(1))):
        assert [(each.step, dict(each.metrics)) for each in await do(seen.measurements)] == [
            (1, {"loss": 1.0}),
            (2, {"loss": 0.5}),
        ]


async def test_a_study_that_is_complete_says_so(client: Any) -> None:
    study = await do(
        client.create_study("done", space=SPACE, objectives=asktell.Minimize("loss"), algorithm="random", max_trials=2)
    )
    assert repr(study).endswith("/studies/done ACTIVE, 0 trials ended, budget 2>")
    await do((await do(study.ask())).fail())
    assert repr(study).endswith("0 trials ended, budget 2, read before the last ask: refresh() counts anew>")
    assert repr(await do(study.refresh())).endswith("/studies/done ACTIVE, 1 trial ended, 1 failed, budget 2>")
    await do((await do(study.ask())).tell(loss=1))
    with pytest.raises(asktell.StudyComplete):
        await do(study.ask())
    assert str(study).endswith("/studies/done FINISHED (MAX_TRIALS), 2 trials ended, 1 failed, budget 2>")


async def test_handles_say_what_they_are(client: Any, study: Any) -> None:
    assert repr(client).startswith(f"<{type(client).__name__} 127.0.0.1:")
    assert repr(client).endswith(f" project {study.name.split('/')[1]}>")
    await _three(study)
    failed, succeeded, _ = await do(study.trials())
    assert repr(failed).startswith(f"<{type(failed).__name__} {study.name}/trials/1 FAILED {{'lr': ")
    assert repr(failed).endswith("}: out <b>of</b> memory>")
    assert "SUCCEEDED" in repr(succeeded)
    assert "'loss': 0.5" in repr(succeeded)


async def test_notebooks_show_tables_and_run_nothing_of_what_others_wrote(client: Any) -> None:
    evil = "<script>alert(1)</script>"
    study = await do(
        client.create_study(
            "evil",
            space={"a": asktell.Categorical([evil, "b"])},
            objectives=asktell.Minimize("loss"),
            algorithm="random",
            display_name=evil,
        )
    )
    trial = await do(study.enqueue({"a": evil}))
    trial = await do(study.ask())
    await do(trial.fail(evil))
    for shown in (study._repr_html_(), trial._repr_html_()):
        assert "<table>" in shown
        assert "<script" not in shown
        assert "&lt;script&gt;" in shown


async def test_plots_of_either_client(study: Any) -> None:
    await _three(study)
    for kind in ("history", "parallel", "slices", "curves"):
        chart = await do(getattr(study.plot, kind)(metrics=["loss"]))
        assert "values" in str(chart.to_dict()["datasets"] if "datasets" in chart.to_dict() else chart.to_dict()), kind
    with pytest.raises(ValueError, match="the study has no metric 'auc'; it has loss, acc"):
        await do(study.plot.history(metrics=["auc"]))
