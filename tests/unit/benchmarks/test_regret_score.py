"""What a run has reached as one number, against examples reckoned by hand, and how it becomes a row."""

from __future__ import annotations

import pytest

from asktell import Float
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective, OutcomeConstraint
from benchmarks.regret.case import LOSS, ONE_LOSS, Case, Configuration, Instance
from benchmarks.regret.methods import METHODS
from benchmarks.regret.runs import Job, run
from benchmarks.regret.score import scores
from benchmarks.regret.statistics import regret_curve

TWO = Goals(
    objectives=(
        Objective(metric="error", goal=Goal.MINIMIZE, reference=4.0),
        Objective(metric="speed", goal=Goal.MAXIMIZE, reference=0.0),
    )
)
BOUNDED = Goals(
    objectives=ONE_LOSS.objectives,
    outcome_constraints=(OutcomeConstraint(metric="ms", max=50.0), OutcomeConstraint(metric="accuracy", min=0.9)),
)


def test_one_objective_is_its_cost() -> None:
    assert scores(ONE_LOSS, [{LOSS: 3.0}, {LOSS: -1.0}, {LOSS: 2.0}]) == [3.0, -1.0, 2.0]
    turned = Goals(objectives=(Objective(metric="speed", goal=Goal.MAXIMIZE),))
    assert scores(turned, [{"speed": 3.0}]) == [-3.0]


def test_what_misses_a_bound_is_the_worst_and_nothing_feasible_is_worse() -> None:
    told = [
        {LOSS: 1.0, "ms": 51.0, "accuracy": 0.95},  # too slow
        {LOSS: 1.0, "ms": 40.0, "accuracy": 0.89},  # too inaccurate
        {LOSS: 5.0, "ms": 50.0, "accuracy": 0.90},  # just so
        {LOSS: 99.0, "ms": 1.0, "accuracy": 1.0},  # feasible, and beyond the worst
    ]
    assert scores(BOUNDED, told, worst=9.0) == [9.0, 9.0, 5.0, 9.0]


def test_several_objectives_are_minus_the_hypervolume_so_far() -> None:
    told = [
        {"error": 5.0, "speed": 3.0},  # beyond a reference
        {"error": 2.0, "speed": 1.0},  # a rectangle of 2 x 1
        {"error": 3.0, "speed": 3.0},  # 1 x 3, of which 1 x 1 is there
        {"error": 3.5, "speed": 2.0},  # dominated
    ]
    assert scores(TWO, told) == [0.0, -2.0, -4.0, -4.0]


def test_an_infeasible_trial_adds_nothing_to_the_hypervolume() -> None:
    goals = Goals(objectives=TWO.objectives, outcome_constraints=(OutcomeConstraint(metric="ms", max=50.0),))
    assert scores(goals, [{"error": 2.0, "speed": 1.0, "ms": 60.0}, {"error": 3.0, "speed": 1.0, "ms": 50.0}]) == [
        0.0,
        -1.0,
    ]


def trade_off(configuration: Configuration) -> dict[str, float]:
    """Any x is on the front, which is a straight line; the whole of it is worth half of the square."""
    x = float(configuration["x"])
    return {"error": 4.0 * x, "speed": 4.0 * x}


def test_a_run_with_several_objectives_becomes_a_row_like_any_other() -> None:
    instance = Instance(space={"x": Float(0.0, 1.0)}, evaluate=trade_off, goals=TWO, optimum=-8.0, minimisers=None)
    case = Case(name="line", make=lambda _seed: instance)
    with METHODS["random"].open() as opener:
        row = run(Job(case=case, method=METHODS["random"], seed=0, trials=12, part="objectives"), opener)
    assert row.optimum == -8.0
    assert list(row.values) == sorted(row.values, reverse=True), "a hypervolume grows"
    curve = regret_curve(row)
    # A single point at x is worth 16 x (1 - x), 2/3 of the most in the mean: regret is measured against the median of these.
    assert -4.0 < row.median < -2.0
    assert 0.0 < curve[-1] < curve[0]


def test_noise_is_of_a_loss_alone() -> None:
    with pytest.raises(AssertionError, match="a loss alone"):
        Instance(
            space={"x": Float(0.0, 1.0)},
            evaluate=trade_off,
            goals=TWO,
            optimum=None,
            minimisers=None,
            noise=lambda value, _generator: value,
        )
