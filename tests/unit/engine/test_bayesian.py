"""The Bayesian sampler as a whole: it optimises, repeats nothing, and nothing makes it fail."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

import pytest

from asktell_server.domain.algorithm import Bayesian, Random
from asktell_server.domain.metrics import Goal
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Configuration,
    DiscreteDomain,
    FloatDomain,
    IntDomain,
    Scale,
    SearchSpace,
)
from asktell_server.domain.trial import Origin
from asktell_server.engine.bayes.fit import Loss
from asktell_server.engine.bayes.layout import Hyperparameters
from asktell_server.engine.bayes.modelled import MOST_OBSERVATIONS, modelled
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem, SuggestResult
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

SMALL = space_of(rank=DiscreteDomain(values=(4, 8, 16)), name=CategoricalDomain(values=("a", "b")), flag=BoolDomain())


def _ask(
    problem: Problem, observations: Sequence[Observation], pending: Sequence[Configuration] = (), count: int = 1
) -> SuggestResult:
    result = task_of(problem, observations, pending=pending, count=count).run()
    assert result.fallback_reason == ""
    assert len(result.suggestions) == count
    for one in result.suggestions:
        assert problem.space.normalize(one.parameters, field="suggestion") == one.parameters
    return result


def _keys(configurations: Sequence[Configuration]) -> set[tuple[object, ...]]:
    return {tuple(one.values()) for one in configurations}


@pytest.mark.parametrize(
    ("space", "function", "trials", "reach"),
    [(BRANIN_SPACE, branin, 22, 0.6), (HARTMANN_SPACE, hartmann, 32, -2.9), (MIXED_SPACE, mixed, 32, 1.0)],
    ids=["branin", "hartmann", "mixed"],
)
def test_beats_random_search_clearly(space: SearchSpace, function: Function, trials: int, reach: float) -> None:
    model = [optimize(problem_of(space), function, trials=trials, seed=seed).best for seed in range(2)]
    chance = [
        optimize(problem_of(space, algorithm=Random()), function, trials=trials, seed=seed).best for seed in range(9)
    ]
    assert statistics.median(model) < reach
    assert statistics.median(model) < statistics.median(chance)
    assert statistics.mean(model) < min(chance) or max(model) < statistics.median(chance)


def test_start_then_model() -> None:
    run = optimize(problem_of(BRANIN_SPACE, algorithm=Bayesian(start_trials=3)), branin, trials=5, seed=0)
    origins = [result.suggestions[0].origin for result in run.results]
    assert origins == [Origin.START] * 3 + [Origin.MODEL] * 2
    assert all(
        (one.suggestions[0].prediction is None) == (one.suggestions[0].origin is Origin.START) for one in run.results
    )


def test_same_task_same_answer() -> None:
    problem = problem_of(MIXED_SPACE)
    observations = random_results(problem, mixed, count=12)
    pending = [one.parameters for one in random_results(problem, mixed, count=2, seed=1)]
    assert _ask(problem, observations, pending, count=3) == _ask(problem, observations, pending, count=3)


def test_maximising_is_minimising_the_opposite() -> None:
    down = problem_of(BRANIN_SPACE)
    up = problem_of(BRANIN_SPACE, goal=Goal.MAXIMIZE)
    observations = random_results(down, branin, count=12)
    opposite = [with_value(one, -value_of(one)) for one in observations]
    (low,), (high,) = _ask(down, observations).suggestions, _ask(up, opposite).suggestions
    assert low.parameters == high.parameters
    assert low.prediction is not None
    assert high.prediction is not None
    upward, downward = high.prediction.first_belief, low.prediction.first_belief
    assert upward.mean == pytest.approx(-downward.mean)
    assert upward.standard_deviation == pytest.approx(downward.standard_deviation)


def test_predictions_are_in_the_objectives_unit() -> None:
    problem = problem_of(BRANIN_SPACE)

    def thousandfold(configuration: Configuration) -> float:
        return 5000 + 1000 * branin(configuration)

    run = optimize(problem, thousandfold, trials=20, seed=1)
    last = run.results[-1].suggestions[0].prediction
    value = value_of(run.observations[-1])
    assert last is not None
    belief = last.first_belief
    assert abs(value - belief.mean) < 6 * belief.standard_deviation + 200
    assert belief.mean > 5000


class TestNovelty:
    def test_a_finite_space_is_tried_out_once(self) -> None:
        problem = problem_of(SMALL)
        run = optimize(problem, lambda one: float(str(one["rank"])) + bool(one["flag"]), trials=12, seed=0)
        assert len(_keys([seen.parameters for seen in run.observations])) == 12
        for pending in ([], [run.observations[-1].parameters]):
            task = task_of(problem, run.observations[: 12 - len(pending)], pending=pending)
            assert task.run().suggestions == ()

    def test_replicates_are_of_the_promising_ones(self) -> None:
        problem = dataclasses.replace(problem_of(SMALL), replicates=3)
        tried = random_results(problem, lambda one: float(str(one["rank"])), count=12)
        suggested = [one.parameters for one in _ask(problem, tried, count=8).suggestions]
        assert {one["rank"] for one in suggested[:4]} == {4}
        assert len(_keys(suggested)) == 8, "none runs twice while others do not run"

    @pytest.mark.parametrize("space", [SMALL, MIXED_SPACE, HARTMANN_SPACE], ids=["small", "mixed", "hartmann"])
    def test_batches_and_pending_trials_differ(self, space: SearchSpace) -> None:
        problem = problem_of(space)
        tried = random_results(problem, lambda one: float(len(str(one))), count=6)
        first = [one.parameters for one in _ask(problem, tried, count=3).suggestions]
        second = [one.parameters for one in _ask(problem, tried, pending=first, count=3).suggestions]
        assert len(_keys([*(one.parameters for one in tried), *first, *second])) == 12

    def test_a_large_batch_has_no_repeats(self) -> None:
        problem = problem_of(MIXED_SPACE)
        result = _ask(problem, random_results(problem, mixed, count=10), count=60)
        assert len(_keys([one.parameters for one in result.suggestions])) == 60
        assert {one.origin for one in result.suggestions} == {Origin.MODEL}

    def test_a_batch_larger_than_what_is_left_is_what_is_left(self) -> None:
        problem = problem_of(SMALL)
        tried = random_results(problem, lambda one: float(str(one["rank"])), count=6)
        result = task_of(problem, tried, count=20).run()
        suggested = [one.parameters for one in result.suggestions]
        assert len(suggested) == 6
        assert len(_keys([*(one.parameters for one in tried), *suggested])) == 12

    def test_optimum_in_a_corner_is_not_suggested_twice(self) -> None:
        problem = problem_of(space_of(x=UNIT, y=UNIT))
        run = optimize(problem, lambda one: float(str(one["x"])) + float(str(one["y"])), trials=14, seed=0)
        assert len(_keys([seen.parameters for seen in run.observations])) == 14
        assert run.best == 0.0

    def test_start_and_model_share_a_batch(self) -> None:
        problem = problem_of(BRANIN_SPACE)
        origins = [one.origin for one in _ask(problem, random_results(problem, branin, count=3), count=4).suggestions]
        assert origins == [Origin.START, Origin.START, Origin.MODEL, Origin.MODEL]


class TestBadNews:
    def test_failures_become_rare(self) -> None:
        def fails_in_half(configuration: Configuration) -> float | None:
            return None if float(str(configuration["x0"])) > 0.5 else hartmann(configuration)

        run = optimize(problem_of(HARTMANN_SPACE), fails_in_half, trials=30, seed=0)
        failed = [seen.outcome is Outcome.FAILED for seen in run.observations]
        assert sum(failed[:10]) >= 2
        assert sum(failed[-15:]) <= 1
        assert run.best < -2

    def test_a_diverged_value_spoils_nothing(self) -> None:
        def diverges(configuration: Configuration) -> float:
            return 1e30 if float(str(configuration["x"])) < -3 else branin(configuration)

        run = optimize(problem_of(BRANIN_SPACE), diverges, trials=24, seed=0)
        assert max(value_of(seen) for seen in run.observations) == 1e30
        assert run.best < 0.6

    @pytest.mark.parametrize("values", [[0.0], [1.0], [3.0] * 8, [1e300, -1e300], [5e-324, 0.0], [1.0, 1.0 + 1e-15]])
    def test_any_values_give_suggestions(self, values: list[float]) -> None:
        problem = problem_of(BRANIN_SPACE, algorithm=Bayesian(start_trials=1))
        tried = random_results(problem, branin, count=len(values))
        observations = [with_value(one, value) for one, value in zip(tried, values, strict=True)]
        prediction = _ask(problem, observations).suggestions[0].prediction
        assert prediction is not None
        assert math.isfinite(prediction.first_belief.mean)

    def test_unknown_outcomes_and_infeasible_trials_are_used(self) -> None:
        problem = problem_of(BRANIN_SPACE)
        tried = random_results(problem, branin, count=9)
        tried[0] = dataclasses.replace(tried[0], outcome=Outcome.UNKNOWN, metrics=())
        tried[1] = dataclasses.replace(tried[1], outcome=Outcome.INFEASIBLE, metrics=())
        assert _ask(problem, tried).suggestions[0].origin is Origin.MODEL

    def test_standard_errors_are_believed(self) -> None:
        problem = problem_of(BRANIN_SPACE)
        tried = random_results(problem, branin, count=9)
        exact = _ask(problem, [with_error(one, 0.0) for one in tried])
        noisy = _ask(problem, [with_error(one, 40.0) for one in tried])
        assert exact != noisy
        assert exact.suggestions == _ask(problem, tried).suggestions

    def test_repeated_trials_are_fine(self) -> None:
        problem = problem_of(BRANIN_SPACE)
        tried = random_results(problem, branin, count=3)
        noisy = [with_value(one, value_of(one) + shift) for one in tried for shift in (-1, 0, 1)]
        assert _ask(problem, noisy).suggestions[0].origin is Origin.MODEL

    def test_a_hundred_parameters(self) -> None:
        space = space_of(
            **{f"x{index}": UNIT for index in range(50)},
            **{f"n{index}": IntDomain(min=1, max=10**6, scale=Scale.LOG) for index in range(25)},
            **{f"c{index}": CategoricalDomain(values=("a", "b", "c")) for index in range(25)},
        )
        problem = problem_of(space)
        assert _ask(problem, random_results(problem, lambda one: float(str(one["x0"])), count=8)).suggestions

    def test_very_many_levels(self) -> None:
        space = space_of(n=IntDomain(min=-(2**53), max=2**53), m=FloatDomain(min=0.0, max=1e9, step=1e-3))
        problem = problem_of(space)
        tried = random_results(
            problem, lambda one: abs(float(str(one["n"]))) / 1e15 + float(str(one["m"])) / 1e9, count=8
        )
        assert _ask(problem, tried).suggestions[0].origin is Origin.MODEL


class TestFallback:
    def test_a_model_that_cannot_be_fitted_is_replaced_by_space_filling(self) -> None:
        problem = problem_of(BRANIN_SPACE)
        tried = random_results(problem, branin, count=8)
        tried[3] = with_value(tried[3], math.nan)  # the service lets none through
        result = task_of(problem, tried, count=3).run()
        assert result.fallback_reason
        assert [one.origin for one in result.suggestions] == [Origin.FALLBACK] * 3
        assert len(_keys([one.parameters for one in result.suggestions])) == 3

    def test_a_foreign_warm_start_changes_nothing(self) -> None:
        problem = problem_of(BRANIN_SPACE)
        tried = random_results(problem, branin, count=8)
        other = problem_of(HARTMANN_SPACE)
        foreign = _ask(other, random_results(other, hartmann, count=8)).warm_start
        cold = task_of(problem, tried).run()
        for bytes_ in (foreign, b"?" * 200, cold.warm_start[:-3]):
            assert task_of(problem, tried, warm_start=bytes_).run() == cold


class TestWarmStart:
    def test_is_as_good_as_cold(self) -> None:
        problem = problem_of(BRANIN_SPACE)
        assert optimize(problem, branin, trials=22, seed=0, warm=True).best < 0.5
        assert optimize(problem, branin, trials=22, seed=0, warm=False).best < 0.5

    def test_is_less_work_than_cold(self, monkeypatch: pytest.MonkeyPatch) -> None:
        problem = problem_of(HARTMANN_SPACE)
        tried = random_results(problem, hartmann, count=101)  # not a multiple of five: no second cold fit
        warm = _ask(problem, tried[:-1]).warm_start
        evaluate, evaluations = Loss.__call__, 0

        def counted(loss: Loss, logs: Hyperparameters) -> tuple[float, Hyperparameters]:
            nonlocal evaluations
            evaluations += 1
            return evaluate(loss, logs)

        monkeypatch.setattr(Loss, "__call__", counted)

        def work(warm_start: bytes) -> int:
            before = evaluations
            task_of(problem, tried, warm_start=warm_start).run()
            return evaluations - before

        assert 0 < work(warm) < work(b"")


def test_ten_thousand_results_are_bounded_work_and_still_teach() -> None:
    problem = problem_of(HARTMANN_SPACE)
    known = list(random_results(problem, hartmann, count=10_000))
    best_of_random = min(values_of(known))
    task = task_of(problem, known)
    assert len(modelled(task).metrics[0].process.data.y) == MOST_OBSERVATIONS
    for _ in range(8):
        result = task.run()
        assert result.fallback_reason == ""
        parameters = result.suggestions[0].parameters
        task.history.append(valued(parameters, hartmann(parameters)))
        task = dataclasses.replace(task, warm_start=result.warm_start)
    assert min(values_of(task.history)) < best_of_random - 0.1
