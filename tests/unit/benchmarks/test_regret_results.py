"""Results on disk: what is there is not run again, unless asktell's engine has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.regret import plan
from benchmarks.regret.cases import REPORTING
from benchmarks.regret.methods import METHODS
from benchmarks.regret.results import Results, Row, parse, source_digest, with_best_optimum
from benchmarks.regret.runs import Job, run

CASE = next(case for case in REPORTING if case.name == "nk-6x6")
SAID: list[str] = []


def row(**changes: object) -> Row:
    plain = Row(
        part="sequential",
        case="a",
        revision=1,
        method="random",
        seed=0,
        values=[3.0, 2.0],
        optimum=0.0,
        median=10.0,
        floor=1e-4,
        cpu_s=[0.1, 0.2],
        versions={"numpy": "2"},
        machine="m",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def planned(seeds: int, trials: int = 4) -> Sequence[Job]:
    make = lambda **job: Job(trials=trials, **job)  # noqa: E731
    return list(plan.jobs([CASE], [METHODS["random"]], seeds=seeds, make=make))


@pytest.mark.parametrize(
    "one", [row(), row(optimum=None, true=[3.5, 2.5], label="x", duplicates=2), row(seed=3, engine="ab")]
)
def test_a_row_survives_its_line(one: Row) -> None:
    assert parse(one.line()) == one


def test_what_is_there_is_skipped(tmp_path: Path) -> None:
    done: list[Job] = []

    def counted(job: Job, opener: object) -> Row:
        done.append(job)
        return run(job, opener)  # type: ignore[arg-type]

    say = SAID.append
    assert plan.execute(planned(seeds=2), Results(tmp_path), run=counted, say=say) == 0
    assert plan.execute(planned(seeds=3), Results(tmp_path), run=counted, say=say) == 0
    assert [job.seed for job in done] == [0, 1, 2]
    assert plan.execute(planned(seeds=3, trials=6), Results(tmp_path), run=counted, say=say) == 0
    assert [job.seed for job in done[3:]] == [0, 1, 2], "too short a run is done again"
    assert len(Results(tmp_path).rows) == 3


def test_a_failed_run_is_said_and_the_others_go_on(tmp_path: Path) -> None:
    said: list[str] = []

    def sometimes(job: Job, opener: object) -> Row:
        if job.seed == 1:
            raise ValueError("no such luck")
        return run(job, opener)  # type: ignore[arg-type]

    assert plan.execute(planned(seeds=3), Results(tmp_path), run=sometimes, say=said.append) == 1
    assert sorted(each.seed for each in Results(tmp_path).rows) == [0, 2]
    assert any("FAILED: ValueError: no such luck" in line for line in said)


def test_another_engine_outdates_the_rows_of_asktell_alone(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.add(row(method="asktell", engine="old"))
    results.add(row(method="ax"))
    ours, theirs = row(method="asktell").key, row(method="ax").key
    assert results.has(ours, trials=2, engine="old")
    assert not results.has(ours, trials=2, engine="new")
    assert results.has(theirs, trials=2, engine="")
    results.add(row(method="asktell", engine="new", values=[1.0, 1.0]))
    again = Results(tmp_path)
    assert again.has(ours, trials=2, engine="new")
    assert [list(each.values) for each in again.rows if each.method == "asktell"] == [[1.0, 1.0]]
    assert len((tmp_path / "sequential-asktell.jsonl").read_text().splitlines()) == 1


def test_the_engine_s_digest_is_of_its_source(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.py").write_text("x = 1\n")
    before = source_digest(tmp_path)
    (tmp_path / "notes.txt").write_text("no code")
    assert source_digest(tmp_path) == before
    (tmp_path / "inner" / "a.py").write_text("x = 2\n")
    assert source_digest(tmp_path) != before


def test_only_asktell_depends_on_the_engine() -> None:
    assert {name for name, method in METHODS.items() if method.ours} == {"asktell", "asktell-engine"}
    job = Job(case=CASE, method=METHODS["optuna-gp"], seed=0, trials=1)
    assert not job.engine
    assert replace(job, method=METHODS["asktell"]).engine


def test_a_line_that_was_cut_off_is_done_without(tmp_path: Path) -> None:
    path = tmp_path / "sequential-random.jsonl"
    path.write_text(row().line() + "\n" + row(seed=1).line()[:40])
    results = Results(tmp_path)
    assert [each.seed for each in results.rows] == [0]
    results.add(row(seed=2))
    assert [each.seed for each in Results(tmp_path).rows] == [0, 2]


def test_an_unknown_optimum_is_the_best_that_anybody_saw() -> None:
    rows = [row(optimum=None), row(optimum=None, method="ax", values=[4.0, 1.5]), row(case="b", optimum=0.5)]
    assert [each.optimum for each in with_best_optimum(rows)] == [1.5, 1.5, 0.5]


def test_a_method_that_is_not_installed_is_left_out_with_one_line() -> None:
    said: list[str] = []
    absent = replace(METHODS["ax"], module="no_such_package")
    assert plan.available([absent, METHODS["random"]], said.append) == [METHODS["random"]]
    assert said == ["skipped: ax needs no_such_package (the extra `bench` has it)"]
