"""Improvement per cost: what it finds for how much, its gradient, and when it changes nothing."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from asktell_server.domain.algorithm import Bayesian
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint
from asktell_server.domain.space import FloatDomain, Parameter, SearchSpace
from asktell_server.domain.trial import Origin, Result, TrialState
from asktell_server.engine.bayes.acquisition import Scorer
from asktell_server.engine.bayes.expense import LogPerCost, expense_of
from asktell_server.engine.bayes.modelled import modelled
from asktell_server.engine.bayes.pursuit import pursuit_of
from asktell_server.engine.history import History
from asktell_server.engine.problem import Problem
from asktell_server.engine.tasks.suggest import SuggestTask
from asktell_server.service.observing import observation

START = 5
LOSS = Objective(metric="loss", goal=Goal.MINIMIZE)
PROBLEM = Problem(
    space=SearchSpace(parameters=tuple(Parameter(name=name, domain=FloatDomain(min=0.0, max=1.0)) for name in "xy")),
    goals=Goals(objectives=(LOSS,), cost_metric="seconds"),
    algorithm=Bayesian(start_trials=START),
)


def _loss(x: float, y: float) -> float:
    """Several valleys; the lowest, -0.26534, at (0.1425, 0.4675)."""
    return 0.3 * math.sin(5 * x + 1) * math.cos(7 * y) + (x - 0.25) ** 2 + (y - 0.6) ** 2


def _seconds(x: float, y: float) -> float:
    return 10.0 ** (2 * x)


def _the_better_the_dearer(x: float, y: float) -> float:
    return 10.0 ** (2 - 2 * x)


def _result(x: float, y: float, seconds: Callable[[float, float], float | None] = _seconds) -> Result:
    cost = seconds(x, y)
    metrics = {"loss": Metric(value=_loss(x, y)), "size": Metric(value=x + y)}
    return Result(
        state=TrialState.SUCCEEDED, metrics=metrics if cost is None else {**metrics, "seconds": Metric(value=cost)}
    )


def _history(problem: Problem, count: int, seconds: Callable[[float, float], float | None] = _seconds) -> History:
    history, rng = problem.empty_history(), np.random.default_rng(3)
    for _ in range(count):
        x, y = map(float, rng.random(2))
        history.append(observation(problem.goals, {"x": x, "y": y}, _result(x, y, seconds)))
    return history


def _spent(seed: int, *, cost_exponent: float) -> float:
    """The seconds of the model's trials until one is within 0.01 of the lowest loss, at most 17 of them."""
    history, spent = PROBLEM.empty_history(), 0.0
    for index in range(START + 17):
        task = SuggestTask(problem=PROBLEM, history=history.snapshot(), seed=seed, cost_exponent=cost_exponent)
        parameters = dict(task.run().suggestions[0].parameters)
        result = _result(**parameters)  # type: ignore[arg-type]  # both are floats
        history.append(observation(PROBLEM.goals, parameters, result))
        spent += result.metrics["seconds"].value if index >= START else 0.0
        if index >= START and result.metrics["loss"].value < -0.26534 + 0.01:
            break
    return spent


def test_the_same_loss_is_reached_at_a_fraction_of_the_cost() -> None:
    """Measured over these seeds: 431 s without a thought of costs, 185 s with it."""
    plain, aware = (sum(_spent(seed, cost_exponent=exponent) for seed in range(6)) for exponent in (0.0, 1.0))
    assert aware < 0.75 * plain


def test_the_gradient_is_that_of_the_scores() -> None:
    task = SuggestTask(problem=PROBLEM, history=_history(PROBLEM, 12), cost_exponent=0.7)
    pursuit = pursuit_of(task, modelled(task))
    assert isinstance(pursuit.acquisition, LogPerCost)
    scorer, step = Scorer(pursuit.surrogates, pursuit.acquisition), 1e-6
    points = np.random.default_rng(1).random((6, 2))
    scores, gradients = scorer.scores_with_gradient(points)
    np.testing.assert_allclose(scores, scorer.scores(points), rtol=1e-9)
    for column in range(2):
        aside = np.eye(2)[column] * step
        slopes = (scorer.scores(points + aside) - scorer.scores(points - aside)) / (2 * step)
        np.testing.assert_allclose(gradients[:, column], slopes, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "goals",
    [
        dataclasses.replace(PROBLEM.goals, objectives=(LOSS, Objective(metric="size", goal=Goal.MINIMIZE))),
        dataclasses.replace(PROBLEM.goals, outcome_constraints=(OutcomeConstraint(metric="size", max=1.2),)),
        dataclasses.replace(
            PROBLEM.goals, objectives=tuple(Objective(metric=m, goal=Goal.MINIMIZE) for m in ("loss", "size", "a", "b"))
        ),
    ],
    ids=["two objectives", "a constraint", "four objectives"],
)
def test_with_other_goals_cheap_points_are_preferred_too(goals: Goals) -> None:
    problem = dataclasses.replace(PROBLEM, goals=goals)
    history, rng = problem.empty_history(), np.random.default_rng(3)
    for _ in range(14):
        x, y = map(float, rng.random(2))
        result = _result(x, y, _the_better_the_dearer)
        more = {"a": Metric(value=(x - 0.9) ** 2), "b": Metric(value=(y - 0.9) ** 2)}
        history.append(
            observation(goals, {"x": x, "y": y}, dataclasses.replace(result, metrics={**result.metrics, **more}))
        )
    spent: list[float] = []
    for exponent in (0.0, 3.0):  # minds the cost very much
        task = SuggestTask(problem=problem, history=history, seed=1, cost_exponent=exponent, count=2)
        answer = task.run()
        assert [each.origin for each in answer.suggestions] == [Origin.MODEL] * 2
        again = dataclasses.replace(task, warm_start=answer.warm_start).run()
        assert not again.fallback_reason
        costs = [_the_better_the_dearer(**each.parameters) for each in answer.suggestions]  # type: ignore[arg-type]
        spent.append(sum(costs))
    assert spent[1] < 0.75 * spent[0]


@pytest.mark.parametrize(
    "seconds",
    [lambda x, y: None, lambda x, y: 0.0, lambda x, y: 7.0, lambda x, y: x if x > 0.9 else None],
    ids=["unknown", "nothing", "all equal", "known of two"],
)
def test_costs_that_say_nothing_change_nothing(seconds: Callable[[float, float], float | None]) -> None:
    history = _history(PROBLEM, 10, seconds)
    aware = SuggestTask(problem=PROBLEM, history=history, seed=1, cost_exponent=1.0, count=3)
    assert expense_of(aware, modelled(aware)) is None
    assert aware.run() == dataclasses.replace(aware, cost_exponent=0.0).run()


def test_trials_without_a_cost_teach_no_cost_and_free_ones_are_no_infinity() -> None:
    def seconds(x: float, y: float) -> float | None:
        return None if y > 0.7 else 0.0 if y < 0.2 else _seconds(x, y)

    task = SuggestTask(problem=PROBLEM, history=_history(PROBLEM, 15, seconds), seed=1, cost_exponent=1.0)
    expense = expense_of(task, modelled(task))
    assert expense is not None
    told = task.history.values[:, -1]
    assert len(expense.process.data.y) == int(np.isfinite(told).sum()) < 15
    assert np.isfinite(expense.process.data.y).all()
    assert task.run().suggestions[0].origin is Origin.MODEL


def test_a_failed_trial_s_cost_is_known_and_no_example_of_what_trials_cost() -> None:
    failed = Result(state=TrialState.FAILED, metrics={"seconds": Metric(value=0.1)})
    history = _history(PROBLEM, 8)
    history.append(observation(PROBLEM.goals, {"x": 0.5, "y": 0.5}, failed))
    assert history.values[-1, -1] == 0.1
    task = SuggestTask(problem=PROBLEM, history=history, cost_exponent=1.0)
    expense = expense_of(task, modelled(task))
    assert expense is not None
    assert len(expense.process.data.y) == 8


def test_a_cost_metric_alone_changes_no_suggestion() -> None:
    without = dataclasses.replace(PROBLEM, goals=Goals(objectives=(LOSS,)))
    answers = [
        SuggestTask(problem=problem, history=_history(problem, 10), seed=1, count=2).run()
        for problem in (PROBLEM, without)
    ]
    assert answers[0].suggestions == answers[1].suggestions
