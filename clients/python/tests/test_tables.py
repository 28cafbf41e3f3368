"""What of a table fits, which rows it has and in which order."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given
from rich.cells import cell_len

from asktell import StudyView, TrialView
from asktell._core.trial_view import Names
from asktell.cli.output import Best
from asktell.cli.tables.columns import trial_columns
from asktell.cli.tables.layout import Cells, fit, folded, named, shorten, unbounded
from asktell.cli.tables.streaming import streamed_table
from asktell.cli.tables.trials import chosen, selected
from asktell.v1 import study_pb2, trial_pb2

TEXT = st.text("ab c_é世界-", max_size=30)


def a_study() -> StudyView:
    study = study_pb2.Study(name="projects/default/studies/s")
    study.objectives.add(metric="loss", goal=study_pb2.GOAL_MINIMIZE)
    study.objectives.add(metric="gain", goal=study_pb2.GOAL_MAXIMIZE)
    study.outcome_constraints.add(metric="memory", max=16)
    study.tracked_metrics.add(metric="acc")
    study.search_space.parameters.add(name="lr").float_domain.max = 1
    study.search_space.parameters.add(name="opt").categorical_domain.values.extend(["adam", "sgd"])
    return StudyView(study)


def a_trial(number: int, lr: float, **metrics: float) -> TrialView:
    trial = trial_pb2.Trial(number=number, state=trial_pb2.TRIAL_STATE_SUCCEEDED, attempt=1)
    trial.parameters["lr"].double_value = lr
    trial.parameters["opt"].string_value = "adam"
    for name, value in metrics.items():
        trial.metrics[name].value = value
    return TrialView(trial, Names(("lr", "opt"), ("loss", "gain")))


TRIALS = [
    a_trial(1, 0.5, loss=2, gain=1),
    a_trial(2, 0.123456, loss=1, gain=3),
    a_trial(3, 0.9),
    a_trial(4, 0.1, loss=3),
]


@st.composite
def tables(draw: st.DrawFn) -> list[Cells]:
    rows = draw(st.integers(0, 3))
    columns = draw(st.integers(1, 6))
    return [
        Cells(
            header=draw(TEXT),
            values=[" ".join(draw(TEXT).split()) for _ in range(rows)],
            right=draw(st.booleans()),
            rest=draw(st.booleans()) and index == columns - 1,
        )
        for index in range(columns)
    ]


@given(tables(), st.integers(1, 100))
def test_what_is_shown_fits_and_what_is_not_is_named(columns: list[Cells], width: int) -> None:
    shape = fit(columns, width)
    assert [*(each.header for each in columns[: len(shape.columns)]), *shape.hidden] == [
        each.header for each in columns
    ]
    if len(shape.columns) > 1:
        assert all(cell_len(line) <= width for line in [*shape.header_lines(), *shape.lines()])
    for before, after in zip(columns, shape.columns, strict=False):
        for whole, seen in zip(before.values, after.values, strict=True):
            # Only a text that is wide by itself is ever shortened.
            assert seen == whole or (not before.right and cell_len(whole) > width // 3) or before.rest


@given(TEXT, st.integers(0, 40))
def test_shortening(text: str, width: int) -> None:
    short = shorten(text, width)
    assert cell_len(short) <= max(width, 0)
    assert short == text or "…" in short or width == 0


def test_columns_go_whole_and_from_the_right() -> None:
    columns = [
        Cells(header="a", values=["1234567"]),
        Cells(header="b", values=["12345678"]),
        Cells(header="c", values=["1"]),
    ]
    assert fit(columns, 20).lines() == ["1234567  12345678  1"]
    shape = fit(columns, 19)
    assert (shape.lines(), shape.hidden) == (["1234567  12345678"], ["c"])


def test_long_headers_are_folded_only_where_there_is_no_room() -> None:
    columns = [Cells(header="weight_decay", values=["1"]), Cells(header="batch_size", values=["16"])]
    assert fit(columns, 24).header_lines() == ["weight_decay  batch_size"]
    assert fit(columns, 23).header_lines() == ["weight_  batch_", "  decay    size"]
    assert folded("learning_rate", 5) == ["learning_", "rate"]
    assert folded("x", 0) == ["x"]


def test_the_last_text_takes_what_is_left() -> None:
    reason = Cells(header="reason", values=["a long story that has no end"], right=False, rest=True)
    assert fit([Cells(header="#", values=["1"]), reason], 26).lines() == ["1  a long story that has …"]
    assert fit([Cells(header="#", values=["1"]), reason], 18).hidden == ["reason"]


def test_hidden_columns_are_named_in_one_line() -> None:
    names = [f"parameter_{index}" for index in range(20)]
    line = named(names, 50, before="not shown: ", after=" (--wide)")
    assert line == "not shown: parameter_0, … 19 more (--wide)"
    assert named(names[:2], 80, before="", after="") == "parameter_0, parameter_1"


def test_a_pipe_can_be_split_at_two_spaces() -> None:
    long = "x" * 500
    shape = unbounded([Cells(header="a", values=["", long]), Cells(header="b", values=["1  2", "3"], right=False)])
    lines = [*shape.header_lines(), *shape.lines()]
    assert [[cell for cell in line.split("  ") if cell.strip()][-1].strip() for line in lines] == ["b", "1 2", "3"]
    assert len(lines[1]) < 60  # one long value does not pad the others' lines


def test_columns_come_by_importance() -> None:
    columns = trial_columns(a_study(), Best(), trials=TRIALS)
    headers = [column.header for column in columns if column.standard]
    assert headers == ["#", "", "state", "loss", "gain", "memory", "lr", "opt", "acc", "duration", "origin"]
    assert [column.cell(TRIALS[1]) for column in columns[:8]] == ["2", "", "SUCCEEDED", "1", "3", "", "0.1235", "adam"]
    marked = trial_columns(a_study(), Best(observed=frozenset({1, 2}), by_model=2), compact=True)[1]
    assert [marked.cell(trial) for trial in TRIALS[:3]] == ["★", "★ ☆", ""]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({}, [1, 2, 3, 4]),
        ({"reverse": True}, [4, 3, 2, 1]),
        ({"last": 2}, [3, 4]),
        ({"limit": 2}, [1, 2]),
        ({"sort": "loss"}, [2, 1, 4, 3]),  # less is better; nothing comes last
        ({"sort": "-loss"}, [4, 1, 2, 3]),
        ({"sort": "loss", "reverse": True}, [4, 1, 2, 3]),
        ({"sort": "gain", "limit": 1}, [2]),  # more is better
        ({"sort": "param.lr"}, [4, 2, 1, 3]),
        ({"sort": "best"}, [2, 1, 3, 4]),
    ],
)
def test_rows(options: dict[str, object], numbers: list[int]) -> None:
    columns = trial_columns(a_study(), Best(observed=frozenset({2})))
    rows = selected(TRIALS, columns, **options)  # type: ignore[arg-type]
    assert [trial.number for trial in rows] == numbers


def test_columns_by_name() -> None:
    columns = trial_columns(a_study(), Best())
    assert [column.key for column in chosen(columns, "metric.gain, lr,number")] == ["metric.gain", "param.lr", "number"]
    with pytest.raises(ValueError, match="no column 'los', did you mean 'loss'"):
        chosen(columns, "los")


def test_a_streamed_table_knows_its_widths_beforehand() -> None:
    table = streamed_table(a_study(), 80)
    header = table.shape.header_lines()[0]
    row = table.row(TRIALS[1])
    assert row.split() == ["2", "SUCCEEDED", "1", "3", "0.1235", "adam"]
    for name, value in (("loss", "1"), ("gain", "3"), ("lr", "0.1235")):
        assert header.index(name) + len(name) == row.index(f" {value} ") + 1 + len(value)
    assert table.deleted(7).split() == ["7", "DELETED"]
