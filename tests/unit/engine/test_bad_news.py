"""What crashes, cannot be run or diverges teaches the model where not to go, and spoils nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from scipy.stats import spearmanr

from asktell_server.domain.metrics import Goal
from asktell_server.domain.space import Configuration, SearchSpace
from asktell_server.engine.bayes.modelled import modelled
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem
from tests.unit.engine.problems import (
    BRANIN_SPACE,
    HARTMANN_SPACE,
    MIXED_SPACE,
    UNIT,
    Function,
    branin,
    hartmann,
    mixed,
    optimize,
    problem_of,
    random_results,
    space_of,
    task_of,
    value_of,
    valued,
    values_of,
    with_error,
    with_value,
)

SQUARE = space_of(x=UNIT, y=UNIT)
CASES = pytest.mark.parametrize(
    ("space", "function"),
    [(BRANIN_SPACE, branin), (HARTMANN_SPACE, hartmann), (MIXED_SPACE, mixed)],
    ids=["branin", "hartmann", "mixed"],
)


def _beside_the_border(configuration: Configuration) -> float | None:
    """Minimum 0 at x = 0.47, y = 0.3; from x = 0.5 on it cannot be run."""
    x, y = float(configuration["x"]), float(configuration["y"])
    return None if x > 0.5 else 4 * (x - 0.47) ** 2 + 2 * (y - 0.3) ** 2


def _predicted(problem: Problem, observations: Sequence[Observation], where: Sequence[Observation]) -> np.ndarray:
    """Posterior means, in the objective's unit."""
    model = modelled(task_of(problem, observations))
    (objective,) = model.metrics
    means, _ = objective.process.moments(model.region.encoding.encode([one.parameters for one in where]))
    return np.array([objective.targets.mean(float(mean)) for mean in means])


def _error(problem: Problem, observations: Sequence[Observation], function: Function) -> float:
    """Root mean square error over the better half of other configurations."""
    elsewhere = random_results(problem, function, count=300, seed=77)
    true = np.array([value_of(one) for one in elsewhere], dtype=float)
    costs = np.array([problem.goals.objectives[0].cost(value) for value in true])
    wrong = _predicted(problem, observations, elsewhere) - true
    return float(np.sqrt(np.mean(wrong[costs <= np.median(costs)] ** 2)))


@pytest.mark.parametrize(("outcome", "most"), [(Outcome.FAILED, 20), (Outcome.INFEASIBLE, 10)])
def test_half_a_space_that_cannot_be_run_is_left_alone_and_the_optimum_at_its_border_is_found(
    outcome: Outcome, most: int
) -> None:
    problem = problem_of(SQUARE)
    late, best = [], []
    for seed in range(4):
        observations: list[Observation] = []
        warm_start = b""
        for _ in range(30):
            task = task_of(problem, observations, seed=seed, warm_start=warm_start)
            result = task.run()
            warm_start = result.warm_start
            parameters = result.suggestions[0].parameters
            value = _beside_the_border(parameters)
            failed = Observation(parameters=parameters, outcome=outcome)
            observations = [*observations, failed if value is None else valued(parameters, value)]
        late.append(sum(seen.outcome is outcome for seen in observations[10:]))
        best.append(min(values_of(observations)))
    assert sum(late) <= most, "of 80: chance would hit it 40 times"
    assert max(best) < 0.01, "0.5 percent of the configurations are as good"


def test_failures_in_six_dimensions_stop() -> None:
    def function(configuration: Configuration) -> float | None:
        fails = float(configuration["x1"]) > 0.5 and float(configuration["x0"]) < 0.8
        return None if fails else hartmann(configuration)

    run = optimize(problem_of(HARTMANN_SPACE), function, trials=40, seed=1)
    assert sum(seen.outcome is Outcome.FAILED for seen in run.observations[-15:]) <= 1
    assert run.best < -2.9


@CASES
@pytest.mark.parametrize("goal", [Goal.MINIMIZE, Goal.MAXIMIZE])
def test_one_diverged_value_leaves_the_fit_as_good_as_without_it(
    space: SearchSpace, function: Function, goal: Goal
) -> None:
    sign = 1.0 if goal is Goal.MINIMIZE else -1.0

    def told(configuration: Configuration) -> float:
        return sign * (function(configuration) or 0.0)

    problem = problem_of(space, goal=goal)
    tried = random_results(problem, told, count=40, seed=3)
    worst = max(range(len(tried)), key=lambda row: sign * value_of(tried[row]))
    without = _error(problem, [*tried[:worst], *tried[worst + 1 :]], told)
    for diverged in (1e6, 1e30, 1e300):
        tried[worst] = with_value(tried[worst], sign * diverged)
        assert _error(problem, tried, told) < 1.1 * without


def test_several_diverged_values_are_avoided_like_failures() -> None:
    def diverges(configuration: Configuration) -> float:
        x = float(configuration["x"])
        return 10.0 ** (3 + 40 * (x - 0.5)) if x > 0.5 else _beside_the_border(configuration) or 0.0

    run = optimize(problem_of(SQUARE), diverges, trials=30, seed=0)
    assert sum(value_of(seen) > 1e3 for seen in run.observations[-15:]) <= 2
    assert run.best < 0.01


@pytest.mark.parametrize(("wild", "most"), [(-1e6, 10), (-1e30, 4)])
def test_a_huge_good_value_does_not_end_the_search(wild: float, most: int) -> None:
    # -1e6 may be a mistake or the find of a lifetime: it is believed, and the rest is still searched. -1e30 is no find.
    def too_good(configuration: Configuration) -> float:
        corner = float(configuration["x"]) < -4 and float(configuration["y"]) < 5
        return wild if corner else branin(configuration)

    run = optimize(problem_of(BRANIN_SPACE), too_good, trials=40, seed=0)
    values = values_of(run.observations)
    assert min(values) == wild
    assert sum(value == wild for value in values) <= most
    assert min(value for value in values if value > wild) < 1.0


@pytest.mark.parametrize("wild", [-1e30, 1e30])
def test_one_diverged_value_does_not_spoil_the_model(wild: float) -> None:
    problem = problem_of(BRANIN_SPACE)
    tried = random_results(problem, branin, count=30, seed=5)
    spoiled = [*tried[:7], with_value(tried[7], wild), *tried[8:]]
    others = [*tried[:7], *tried[8:]]
    probes = random_results(problem, branin, count=40, seed=6)
    truth = [value_of(one) for one in probes]

    def agreement(observations: Sequence[Observation]) -> float:
        return float(spearmanr(_predicted(problem, observations, probes), truth).statistic)

    assert agreement(spoiled) > agreement(others) - 0.05


def test_crashes_that_have_nothing_to_do_with_the_configuration_do_not_hide_the_optimum() -> None:
    for seed in range(3):
        crashes = iter(np.random.default_rng(seed).random(30) < 0.1)

        def crashing(configuration: Configuration, crashes: Iterator[np.bool_] = crashes) -> float | None:
            return None if next(crashes) else branin(configuration)

        run = optimize(problem_of(BRANIN_SPACE), crashing, trials=30, seed=seed)
        assert any(seen.outcome is Outcome.FAILED for seen in run.observations[5:])
        assert run.best < 0.5


@CASES
def test_a_value_weighs_as_much_as_its_standard_error_says(space: SearchSpace, function: Function) -> None:
    problem = problem_of(space)
    tried = random_results(problem, function, count=30, seed=5)
    spread = float(np.std([value_of(one) for one in tried]))
    wrong = with_value(tried[7], value_of(tried[7]) + 2 * spread)
    others = [*tried[:7], *tried[8:]]
    alone = _predicted(problem, others, [wrong])[0]

    def moved(standard_error: float) -> float:
        told = with_error(wrong, standard_error)
        # The others are exact, so that nothing but this error is in question.
        exact = [with_error(one, 1e-6 * spread) for one in others]
        return abs(float(_predicted(problem, [*exact, told], [wrong])[0] - alone))

    assert moved(1e-6 * spread) > 3 * moved(3 * spread)
    assert moved(100 * spread) < 0.05 * spread
    assert moved(1e-6 * spread) > moved(0.5 * spread) > moved(2 * spread)


def test_a_precise_value_outweighs_vague_ones_of_the_same_configuration() -> None:
    problem = problem_of(SQUARE)
    here = {"x": 0.4, "y": 0.6}
    elsewhere = random_results(problem, _beside_the_border, count=12, seed=2)

    def at(value: float, error: float) -> Observation:
        return valued(here, value, standard_error=error)

    known = [one for one in elsewhere if one.outcome is Outcome.VALUE]
    vague = [at(2.0, 1.0), at(1.5, 1.0), at(-1.0, 1.0)]
    predicted = _predicted(problem, [*known, *vague, at(0.2, 0.001)], [at(0.0, 0.0)])[0]
    assert predicted == pytest.approx(0.2, abs=0.1)


def test_a_configuration_is_tried_again_only_by_people_and_replicates() -> None:
    problem = problem_of(SQUARE)
    tried = random_results(problem, lambda one: float(one["x"]), count=3)
    noisy = [with_value(one, value_of(one) + shift) for one in tried for shift in (-0.3, 0.0, 0.3)]
    result = task_of(problem, noisy, count=5).run()
    assert result.fallback_reason == ""
    assert all(one.parameters not in [seen.parameters for seen in tried] for one in result.suggestions)
