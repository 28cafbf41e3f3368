"""What further trials are expected to gain: the search played out on functions that the model holds possible."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint
from asktell_server.domain.space import Configuration, IntDomain
from asktell_server.engine.analysis.gains import GainQuestion
from asktell_server.engine.bayes.expected_improvement import LogExpectedImprovement
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.modelled import modelled
from asktell_server.engine.bayes.rollouts import Candidates, _Drawn, gains
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem
from asktell_server.engine.task import NoAnswer
from asktell_server.engine.tasks.analyse import AnalysisTask
from tests.unit.engine.problems import (
    UNIT,
    problem_of,
    random_results,
    space_of,
    task_of,
    valued,
)

LINE = problem_of(space_of(x=UNIT))


def _expected(problem: Problem, observations: list[Observation], *horizons: int) -> tuple[float, ...]:
    history = History.of(problem.space, observations, metrics=problem.goals.width)
    return AnalysisTask(problem=problem, history=history, question=GainQuestion(horizons=horizons)).run().value


def _line(count: int) -> tuple[GaussianProcess, np.ndarray]:
    """A process of a wave with a gap, and points all over it."""
    places = np.linspace(0.0, 0.6, count)
    observations = [valued({"x": float(place)}, math.sin(9 * place)) for place in places]
    model = modelled(task_of(LINE, observations))
    return model.metrics[0].process, np.linspace(0.0, 1.0, 41)[:, None]


def test_one_trial_at_one_place_gains_its_expected_improvement() -> None:
    process, _ = _line(8)
    there = np.array([[0.9]])
    tried = process.lowest(1)
    best = float(process.moments(tried).mean[0])
    (gain,) = gains(
        [process],
        [],
        Candidates(points=np.concatenate([tried, there]), tried_count=1),
        best=best,
        horizons=[1],
        draws=20_000,
        rng=np.random.default_rng(1),
    )
    known = math.exp(LogExpectedImprovement(best).scores([process.moments(there)])[0])
    assert known > 0.01, "there is something to gain"
    assert gain == pytest.approx(known, rel=0.1)


def test_beliefs_about_a_drawn_function_are_those_of_the_process_that_was_told_its_values() -> None:
    process, points = _line(8)
    drawn = _Drawn(process, points, draws=3, steps=2, rng=np.random.default_rng(0))
    drawn.tell(0, np.array([30, 30, 40]))
    drawn.tell(1, np.array([40, 25, 30]))
    for row, chosen in enumerate([[30, 40], [30, 25], [40, 30]]):
        told = process.believe(points[chosen])
        assert drawn.variances[row] == pytest.approx(told.moments(points).variance, abs=1e-6)
    assert np.abs(drawn.means[0] - drawn.functions[0])[[30, 40]].max() < 6 * math.sqrt(process.noise) + 1e-3


def _wave(configuration: Configuration) -> float:
    return math.sin(9 * float(configuration["x"]))


def test_more_trials_gain_more_and_little_is_left_in_the_end() -> None:
    few = random_results(LINE, _wave, count=6)
    one, ten, hundred = _expected(LINE, few, 1, 10, 100)
    assert 0 <= one < ten <= hundred
    many = [valued({"x": index / 40}, _wave({"x": index / 40})) for index in range(41)]
    (late,) = _expected(LINE, [*few, *many], 10)
    assert late < 0.01 < ten


def test_it_is_the_same_in_the_other_direction_and_in_another_unit() -> None:
    few = random_results(LINE, _wave, count=6)
    other = [valued(one.parameters, -1000 * one.metrics[0].value + 7) for one in few if one.metrics[0]]
    turned = _expected(problem_of(LINE.space, goal=Goal.MAXIMIZE), other, 10)
    assert turned == pytest.approx([1000 * gain for gain in _expected(LINE, few, 10)], rel=1e-3)


def test_what_is_expected_of_a_stopped_trial_has_not_been_reached() -> None:
    results = [valued({"x": place / 5}, _wave({"x": place / 5})) for place in range(6)]
    stopped = dataclasses.replace(valued({"x": 0.52}, -5.0), expected=True)
    (gain,) = _expected(LINE, [*results, stopped], 10)
    assert gain > 1.0, "what is expected there is still to be gained"


def test_where_everything_has_been_tried_nothing_is_to_be_gained() -> None:
    problem = problem_of(space_of(n=IntDomain(min=1, max=6)))
    assert _expected(problem, [valued({"n": n}, float(n)) for n in range(1, 7)], 1, 10) == (0.0, 0.0)


def test_a_space_that_ends_before_the_trials_do_is_played_out_to_its_end() -> None:
    problem = problem_of(space_of(n=IntDomain(min=1, max=8)))
    ten, hundred = _expected(problem, [valued({"n": n}, float(n)) for n in range(4, 9)], 10, 100)
    assert ten == hundred > 0.1, "three are left, and each is likely to better the last"


def test_what_breaks_the_constraints_is_no_gain() -> None:
    def expected(most: float) -> float:
        """A dip lies where memory is above 0.5."""
        goals = Goals(
            objectives=(Objective(metric="loss", goal=Goal.MINIMIZE),),
            outcome_constraints=(OutcomeConstraint(metric="memory", max=most),),
        )
        places = [place / 10 for place in range(11) if place != 8]
        results = [
            Observation(
                parameters={"x": place},
                outcome=Outcome.VALUE,
                metrics=(Metric(value=-math.exp(-(((place - 0.8) / 0.15) ** 2))), Metric(value=place)),
            )
            for place in places
        ]
        (gain,) = _expected(dataclasses.replace(LINE, goals=goals), results, 10)
        return gain

    assert expected(0.5) < 0.3 * expected(2.0)
    with pytest.raises(Exception, match="feasible"):
        expected(-1.0)


def test_without_a_model_nothing_is_said() -> None:
    with pytest.raises(NoAnswer):
        AnalysisTask(problem=LINE, history=History.of(LINE.space, []), question=GainQuestion(horizons=(1,))).fallback(
            "no worker"
        )
