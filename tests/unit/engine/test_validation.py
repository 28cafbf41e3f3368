"""Cross-validation in closed form: the same numbers as leaving results out one by one, calibrated, and honest about noise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from asktell_server.domain.metrics import Goal
from asktell_server.engine.analysis import left_out
from asktell_server.engine.analysis.study_model import StudyModel
from asktell_server.engine.analysis.validation import CrossValidation, ValidationQuestion
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem
from tests.unit.engine.problems import (
    BRANIN_SPACE,
    HARTMANN_SPACE,
    branin,
    hartmann,
    observe,
    problem_of,
    random_results,
    task_of,
    valued,
)


def _validated(problem: Problem, observations: list[Observation]) -> tuple[StudyModel, CrossValidation]:
    model = StudyModel(task_of(problem, observations))
    return model, ValidationQuestion(metric="loss", results=len(observations)).answer(model)


def test_it_is_what_a_model_without_the_result_foretells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_out, "MOST_FITTED", 0)  # one fit for all
    problem = problem_of(BRANIN_SPACE, goal=Goal.MAXIMIZE)
    observations = random_results(problem, lambda one: -branin(one), count=30)
    observations[4] = Observation(parameters=observations[4].parameters, outcome=Outcome.FAILED)
    model, found = _validated(problem, observations)
    assert found.rows.tolist() == [place for place in range(30) if place != 4]
    process, targets = model.process("loss"), model.of("loss").targets
    for at in (0, 11, 28):
        place = model.known_places("loss")[at]
        others = np.delete(np.arange(30), place)
        without = GaussianProcess(process.data.rows(others), process.hyperparameters)
        mean, variance = without.moments(process.data.x[place : place + 1])
        assert found.means[at] == pytest.approx(targets.mean(float(mean[0])), rel=1e-6)
        # The estimate of the mean of the process is uncertain, too: a little more than with that mean given.
        deviation = targets.standard_deviation(float(np.sqrt(variance[0] + process.noise)))
        assert deviation <= found.deviations[at] <= 1.1 * deviation


def test_what_was_expected_of_a_stopped_trial_is_no_result() -> None:
    problem = problem_of(BRANIN_SPACE)
    observations = random_results(problem, branin, count=12)
    observations[3] = dataclasses.replace(observations[3], expected=True)
    model, found = _validated(problem, observations)
    assert found.rows.tolist() == [place for place in range(12) if place != 3]
    assert model.result_count == 11


def test_a_smooth_function_is_foretold() -> None:
    problem = problem_of(BRANIN_SPACE)
    _, found = _validated(problem, random_results(problem, branin, count=60))
    assert found.rank_correlation > 0.98
    assert found.coverage(0.95) > 0.9
    assert found.rmse < 5.0


def test_noise_is_not_foretold_and_its_range_is() -> None:
    rng = np.random.default_rng(11)
    problem = problem_of(BRANIN_SPACE)
    _, found = _validated(problem, random_results(problem, lambda _: float(rng.normal(5.0, 2.0)), count=300))
    assert abs(found.rank_correlation) < 0.25
    assert found.coverage(0.5) == pytest.approx(0.5, abs=0.1)
    assert found.coverage(0.95) == pytest.approx(0.95, abs=0.05)
    assert found.rmse == pytest.approx(2.0, abs=0.3)


def test_a_handful_of_noisy_results_is_not_foretold_either() -> None:
    """By hyperparameters that have seen them their rank correlation would be 0.5."""
    correlations = []
    for seed in range(6):
        rng = np.random.default_rng(100 + seed)
        problem = problem_of(HARTMANN_SPACE)
        configurations = random_results(problem, hartmann, count=20, seed=seed)
        noise = [valued(one.parameters, float(rng.normal())) for one in configurations]
        correlations.append(_validated(problem, noise)[1].rank_correlation)
    assert np.mean(correlations) < 0.3


def test_equal_results_have_no_order() -> None:
    problem = problem_of(BRANIN_SPACE)
    _, found = _validated(problem, random_results(problem, lambda _: 3.0, count=5))
    assert found.rank_correlation == 0.0
    assert found.rmse == pytest.approx(0.0, abs=1e-9)
    assert found.coverage(0.95) == 1.0


def test_huge_numbers_stay_finite() -> None:
    problem = problem_of(BRANIN_SPACE)
    results = random_results(problem, branin, count=12)
    huge = [observe(one.parameters, lambda one: branin(one) * 1e200) for one in results]
    _, found = _validated(problem, huge)
    assert np.isfinite([found.rmse, found.rank_correlation, *found.means, *found.deviations]).all()
