"""The model of a study for those who analyse it: the same beliefs as behind suggestions, in the metrics' units."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint
from asktell_server.engine.analysis.predictions import PredictionQuestion, Predictions
from asktell_server.engine.analysis.study_model import StudyModel
from asktell_server.engine.bayes import modelled as modelled_module
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem
from asktell_server.engine.task import NoAnswer
from asktell_server.engine.tasks.analyse import Analysed, AnalysisTask
from tests.unit.engine.problems import BRANIN_SPACE, MIXED_SPACE, branin, mixed, problem_of, random_results, task_of


def _predicted(
    problem: Problem, observations: list[Observation], asked: list[Observation], *, fitted: bytes = b""
) -> Analysed[Predictions]:
    keys = tuple(problem.space.key(one.parameters) for one in asked)
    history = History.of(problem.space, observations, metrics=problem.goals.width)
    return AnalysisTask(problem=problem, history=history, question=PredictionQuestion(keys=keys), fitted=fitted).run()


def test_a_prediction_is_the_belief_that_came_with_the_suggestion() -> None:
    problem = problem_of(BRANIN_SPACE, goal=Goal.MAXIMIZE)
    observations = random_results(problem, lambda one: -branin(one), count=21)
    (suggestion,) = task_of(problem, observations).run().suggestions
    assert suggestion.prediction is not None
    asked = [Observation(parameters=suggestion.parameters, outcome=Outcome.UNKNOWN)]
    said = _predicted(problem, observations, asked)
    believed = suggestion.prediction.first_belief
    assert said.value.metrics == ("loss",)
    assert said.value.means == pytest.approx(np.array([[believed.mean]]), rel=1e-9)
    assert said.value.deviations == pytest.approx(np.array([[believed.standard_deviation]]), rel=1e-6)
    assert said.result_count == 21


def test_it_foretells_results_that_it_has_not_seen() -> None:
    problem = problem_of(MIXED_SPACE)
    results = random_results(problem, mixed, count=260)
    said = _predicted(problem, results[:200], results[200:]).value
    truth = np.array([mixed(one.parameters) for one in results[200:]])
    errors = said.means[:, 0] - truth
    assert np.corrcoef(said.means[:, 0], truth)[0, 1] > 0.8
    assert 0.5 < np.sqrt(np.mean((errors / said.deviations[:, 0]) ** 2)) < 2.5


def test_every_metric_has_a_belief_in_its_own_unit_and_failures_are_no_results() -> None:
    goals = Goals(
        objectives=(Objective(metric="loss", goal=Goal.MINIMIZE), Objective(metric="speed", goal=Goal.MAXIMIZE)),
        outcome_constraints=(OutcomeConstraint(metric="memory", max=2000.0),),
    )
    problem = dataclasses.replace(problem_of(BRANIN_SPACE), goals=goals)
    observations = []
    for place, one in enumerate(random_results(problem_of(BRANIN_SPACE), branin, count=40)):
        x, y = (float(one.parameters[name]) for name in ("x", "y"))
        told = (Metric(value=branin(one.parameters)), Metric(value=100.0 + x), Metric(value=1000.0 + 10.0 * y))
        observations.append(dataclasses.replace(one, metrics=told))
        if place % 10 == 0:
            observations.append(Observation(parameters=one.parameters, outcome=Outcome.FAILED))
    said = _predicted(problem, observations, observations[-1:])
    x, y = (float(observations[-1].parameters[name]) for name in ("x", "y"))
    assert said.value.metrics == ("loss", "speed", "memory")
    assert said.value.means[0, 1:] == pytest.approx([100.0 + x, 1000.0 + 10.0 * y], abs=8.0)
    assert said.result_count == 40


def test_hyperparameters_that_were_fitted_once_serve_again_without_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of(BRANIN_SPACE)
    observations = random_results(problem, branin, count=30)
    first = _predicted(problem, observations, observations[:5])

    def no_fit(*_args: object, **_fields: object) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(modelled_module, "fit", no_fit)
    again = _predicted(problem, observations, observations[:5], fitted=first.hyperparameters)
    assert (again.value.means == first.value.means).all()
    assert again.hyperparameters == first.hyperparameters


def test_the_known_results_of_a_long_history_are_those_that_the_model_is_conditioned_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(modelled_module, "MOST_OBSERVATIONS", 20)
    problem = problem_of(BRANIN_SPACE)
    results = random_results(problem, branin, count=60)
    observations = [
        Observation(parameters=one.parameters, outcome=Outcome.FAILED) if place % 7 == 3 else one
        for place, one in enumerate(results)
    ]
    task = task_of(problem, observations)
    model = StudyModel(task)
    places, rows = model.known_places("loss"), model.known_rows("loss")
    assert model.result_count == len(rows) < 20
    process, targets = model.process("loss"), model.of("loss").targets
    assert (process.data.x[places] == model.points([task.history.keys[row] for row in rows])).all()
    told = task.history.values[rows, 0]
    assert np.isfinite(told).all()
    assert targets.centre + targets.width * process.data.y[places] == pytest.approx(told)


def test_without_a_worker_nothing_is_said() -> None:
    problem = problem_of(BRANIN_SPACE)
    observations = random_results(problem, branin, count=3)
    task = AnalysisTask(
        problem=problem, history=task_of(problem, observations).history, question=PredictionQuestion(keys=((0.0, 0.0),))
    )
    assert task.needs_model()
    assert not task.is_quick()
    with pytest.raises(NoAnswer, match="gone"):
        task.fallback("gone")
