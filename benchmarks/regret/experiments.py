"""What can be compared: one trial at a time, many in flight, many dimensions, and the suites of other goals and spaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.regret import in_flight, runs
from benchmarks.regret.case import Case
from benchmarks.regret.cases import HALVES, high_dimension, suites
from benchmarks.regret.methods import FIELD, SEVERAL_OBJECTIVES
from benchmarks.regret.methods.method import Opener
from benchmarks.regret.results import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A set of runs that belong together. `at` are the numbers of trials after which regret is looked at."""

    part: str
    heading: str
    method: str
    cases: Mapping[str, Sequence[Case]]
    field: Sequence[str]
    seeds: int
    trials: int
    at: tuple[int, int]
    run: Callable[[runs.Job, Opener], Row]


SEQUENTIAL = Experiment(
    part=runs.SEQUENTIAL,
    heading="One trial at a time",
    method="Every method asks, is told the value, and asks again, with its default settings.",
    cases=HALVES,
    field=FIELD,
    seeds=10,
    trials=50,
    at=(25, 50),
    run=runs.run,
)
DIMENSION = Experiment(
    part="dimension",
    heading="20 to 100 parameters",
    method="One trial at a time.",
    cases=high_dimension.HIGH_DIMENSION,
    field=high_dimension.FIELD,
    seeds=3,
    trials=high_dimension.TRIALS,
    at=high_dimension.AT,
    run=runs.run,
)


def _suite(
    name: str, heading: str, method: str, cases: Mapping[str, Sequence[Case]], field: Sequence[str]
) -> Experiment:
    return Experiment(
        part=name,
        heading=heading,
        method=f"One trial at a time, every method with its default settings. {method}",
        cases=cases,
        field=field,
        seeds=10,
        trials=50,
        at=(25, 50),
        run=runs.run,
    )


SUITES = {
    suite.part: suite
    for suite in (
        _suite(
            "objectives",
            "Several objectives",
            "What counts is the hypervolume of the front that a run has found so far: its regret is what lacks to that of the "
            "whole front, and 1 is the median of single random trials. Ax and asktell are told the references.",
            suites.OBJECTIVES,
            SEVERAL_OBJECTIVES,
        ),
        _suite(
            "constraints",
            "Outcome constraints",
            "What counts is the best feasible value so far. While nothing is feasible a run has the worst value of its case, "
            "and so do infeasible ones among the random trials whose median is 1.",
            suites.CONSTRAINTS,
            FIELD,
        ),
        _suite(
            "conditional",
            "Conditional parameters",
            "asktell and Ax are told which parameters exist when; Optuna is asked for those that do (define-by-run).",
            suites.CONDITIONAL,
            FIELD,
        ),
    )
}


def parallel(workers: int) -> Experiment:
    """So many trials in flight."""
    return Experiment(
        part=in_flight.part(workers),
        heading=f"{workers} trials in flight",
        method=(
            f"{workers} trials run at any time; how long each takes is drawn (log-normal, sigma {in_flight.SPREAD}) for a "
            "clock that is only simulated, the same for every method. Regret is counted in trials that have ended. "
            "`repeats` are configurations tried before in the same run."
        ),
        cases=in_flight.CASES,
        field=in_flight.FIELD,
        seeds=3,
        trials=in_flight.TRIALS,
        at=in_flight.AT,
        run=partial(in_flight.run, workers),
    )
