"""Files of trials: columns, values and keys, without a server."""

from __future__ import annotations

import io

import pytest

from asktell import ImportedTrial, MetricValue, Outcome, StudyView, TrialView
from asktell._core.trial_view import Names
from asktell.cli.transfer import exporting
from asktell.cli.transfer.files import read, write_csv, write_jsonl
from asktell.cli.transfer.mapping import map_columns
from asktell.cli.transfer.reading import Past, past_trials
from asktell.v1 import study_pb2, trial_pb2


@pytest.fixture
def study() -> StudyView:
    message = study_pb2.Study(name="projects/default/studies/s")
    message.objectives.add(metric="loss", goal=study_pb2.GOAL_MINIMIZE)
    message.tracked_metrics.add(metric="acc")
    parameters = message.search_space.parameters
    parameters.add(name="lr").float_domain.max = 1
    parameters.add(name="n").int_domain.max = 9
    parameters.add(name="opt").categorical_domain.values.extend(["adam", "1"])
    parameters.add(name="on").bool_domain.SetInParent()
    return StudyView(message)


def past(study: StudyView, text: str, *mappings: str, format_: str = "csv") -> Past:
    table = read(io.StringIO(text), format_)
    return past_trials(study, table, map_columns(study, table.columns, mappings))


HEADER = "lr,n,opt,on,loss,acc,state,reason\n"


def test_values_are_converted_as_their_parameter_asks(study: StudyView) -> None:
    found = past(study, f"{HEADER}1,3.0,1,Yes,0.5,,,\n1e-3,4,adam,0,,,fail,out of memory\n")
    assert not found.problems
    assert [trial.params for trial in found.trials] == [
        {"lr": 1.0, "n": 3, "opt": "1", "on": True},
        {"lr": 1e-3, "n": 4, "opt": "adam", "on": False},
    ]
    assert [type(value) for value in found.trials[0].params.values()] == [float, int, str, bool]
    assert [(trial.outcome, trial.reason) for trial in found.trials] == [
        (Outcome.SUCCEEDED, ""),
        (Outcome.FAILED, "out of memory"),
    ]
    assert found.trials[0].metrics == {"loss": MetricValue(0.5)}


def test_every_wrong_line_is_named_with_its_column(study: StudyView) -> None:
    text = (
        f"{HEADER}x,1,adam,1,0,,,\n1,1.5,adam,1,0,,,\n1,1,adam,maybe,0,,,\n1,1,adam,1,inf,,,\n"
        '1,1,adam,1,0,,DONE,\n1,1\n1,1,adam,1,0,,,"two\nlines"\n1,1,adam,1,0,,RUNNING,\n1,1,adam,1,?,,,\n'
    )
    found = past(study, text)
    assert [str(problem) for problem in found.problems] == [
        "2: column lr: must be a number, got 'x'",
        "3: column n: must be a whole number, got '1.5'",
        "4: column on: must be true or false (or yes, no, 1, 0), got 'maybe'",
        "5: column loss: must be finite, got 'inf'",
        "6: column state: must be one of SUCCEEDED, STOPPED, FAILED, INFEASIBLE, got 'DONE'",
        "7: has 2 cells, the header 8",
        "11: column loss: must be a number, got '?'",
    ]
    assert found.lines == [8]
    assert found.without_result == {"RUNNING": 1}


def test_json_lines(study: StudyView) -> None:
    text = (
        '{"key": 7, "params": {"lr": 1, "n": 2.0, "opt": 1, "on": true}, "loss": 1, "acc": null}\n\n'
        '{"params": {"lr": 0.5, "n": "3", "opt": "adam", "on": "no"}, "loss": "2", "labels": {"host": "a"}}\n'
        "{oops\n[1]\n"
    )
    found = past(study, text, format_="jsonl")
    assert [trial.params for trial in found.trials] == [
        {"lr": 1.0, "n": 2, "opt": "1", "on": True},
        {"lr": 0.5, "n": 3, "opt": "adam", "on": False},
    ]
    assert (found.trials[0].key, found.trials[1].labels) == ("7", {"host": "a"})
    assert [str(problem).partition(": ")[0] for problem in found.problems] == ["4", "5"]


def test_the_same_line_has_the_same_key_wherever_it_stands(study: StudyView) -> None:
    rows = ["1,1,adam,1,0.5,,,", "0.5,1,adam,1,0.5,,,", "1,1,adam,1,0.5,,,"]  # the first and the last are replicates
    first = [trial.key for trial in past(study, HEADER + "\n".join(rows)).trials]
    again = [trial.key for trial in past(study, HEADER + "\n".join(["0.1,1,adam,1,0.5,,,", *rows[::-1]])).trials]
    assert len(set(first)) == 3
    assert set(first) < set(again)


def test_columns_are_mapped(study: StudyView) -> None:
    columns = ["config.lr", "n", "opt", "param.on", "eval loss", "best", "notes"]
    mapped = map_columns(study, columns, ["config.lr=lr", "eval loss=loss", "n=n"])
    assert mapped.targets == {
        "config.lr": "param.lr", "n": "param.n", "opt": "param.opt", "param.on": "param.on", "eval loss": "metric.loss"
    }  # fmt: skip
    assert mapped.unused == ["notes"]
    for given, complaint in [
        (["lr=lr"], "there is no column 'lr'"),
        (["n"], "must be COLUMN=NAME"),
        (["config.lr=l"], "did you mean 'lr'"),
        (["config.lr=n"], "are both param.n"),
        ([], "no column for the parameter 'lr': --map config.lr=lr"),
    ]:
        with pytest.raises(ValueError, match=complaint):
            map_columns(study, columns, given)


@pytest.mark.parametrize("text", ["", "lr,lr\n1,2\n", 'lr\n"open\n'])
def test_files_that_are_no_tables_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^\d+: "):
        read(io.StringIO(text), "csv")


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_an_export_is_read_back(study: StudyView, format_: str) -> None:
    message = trial_pb2.Trial(name="projects/default/studies/s/trials/7", number=7, reason='it "ended",\nearly')
    message.state = trial_pb2.TRIAL_STATE_STOPPED
    message.parameters["lr"].double_value = 0.1 + 0.2
    message.parameters["n"].int_value = 3
    message.parameters["opt"].string_value = "1"
    message.parameters["on"].bool_value = True
    message.metrics["loss"].value = 1 / 3
    message.metrics["loss"].standard_error = 0.1
    message.create_time.FromSeconds(1_000_000)
    message.start_time.FromSeconds(1_000_000)
    message.labels["host"] = "a"
    trial = TrialView(message, Names(tuple(study.space), ("loss", "acc")))
    text = io.StringIO()
    if format_ == "csv":
        write_csv(text, exporting.columns(study, [trial]), [exporting.line(trial)])
    else:
        write_jsonl(text, [exporting.line(trial)])
    (back,) = past(study, text.getvalue(), format_=format_).trials
    assert back == ImportedTrial(
        key="projects/default/studies/s/trials/7@19700112T134640.000000Z",
        params=trial.params,
        metrics={"loss": MetricValue(1 / 3, 0.1)},
        outcome=Outcome.STOPPED,
        reason=trial.reason,
        start_time=trial.start_time,
        labels={"host": "a"},
    )
