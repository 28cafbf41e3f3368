"""What the model learns from: no value, however wild, spoils the others."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.metrics import Goal, Objective
from asktell_server.engine.bayes.targets import FAILURE_NOISE, Targets, clip, make_targets
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from tests.unit.engine.problems import UNIT, space_of, valued

LOSS = Objective(metric="loss", goal=Goal.MINIMIZE)
SCORE = Objective(metric="score", goal=Goal.MAXIMIZE)


SPACE = space_of(x=UNIT)


def _targets(observations: Iterable[Observation], objective: Objective) -> Targets:
    return make_targets(History.of(SPACE, observations), objective.goal)


def _seen(*values: float, error: float | None = None) -> list[Observation]:
    return [valued({"x": 0.5}, value, standard_error=error) for value in values]


def _without_value(outcome: Outcome) -> Observation:
    return Observation(parameters={"x": 0.5}, outcome=outcome)


def _check(targets: Targets) -> None:
    assert np.isfinite(targets.values).all()
    assert np.isfinite(targets.noise).all()
    assert np.abs(targets.values).max() < 100


def test_outputs_are_standardised_and_go_back() -> None:
    targets = _targets(_seen(1.0, 2.0, 3.0, 4.0), LOSS)
    assert targets.values.mean() == pytest.approx(0)
    assert targets.values.std() == pytest.approx(1)
    assert [targets.mean(value) for value in targets.values] == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert targets.best == targets.values.min()


def test_maximising_is_minimising_the_opposite() -> None:
    up, down = _targets(_seen(1.0, 2.0, 7.0), SCORE), _targets(_seen(-1.0, -2.0, -7.0), LOSS)
    assert up.values == pytest.approx(down.values)
    assert up.mean(up.best) == pytest.approx(7.0)
    assert up.standard_deviation(1.0) == pytest.approx(down.standard_deviation(1.0))


@pytest.mark.parametrize("wild", [1e4, 1e8])
def test_a_huge_bad_value_counts_as_the_fence(wild: float) -> None:
    ordinary = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]
    targets = _targets(_seen(*ordinary, wild), LOSS)
    _check(targets)
    quarters = np.quantile([*ordinary, wild], [0.25, 0.75])
    assert targets.mean(float(targets.values[-1])) == pytest.approx(quarters[1] + 1.5 * (quarters[1] - quarters[0]))
    assert np.diff(targets.values[:7]).min() > 0.1


@pytest.mark.parametrize("wild", [-1e30, -1e308, 1e30, 1e308])
@pytest.mark.parametrize("objective", [LOSS, SCORE])
def test_a_diverged_value_counts_as_a_failure(wild: float, objective: Objective) -> None:
    ordinary = [objective.cost(value) for value in (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)]
    targets = _targets(_seen(*ordinary, objective.cost(wild)), objective)
    failed = _targets([*_seen(*ordinary), _without_value(Outcome.FAILED)], objective)
    assert targets.values.tolist() == failed.values.tolist()
    assert targets.noise.tolist() == failed.noise.tolist() == [0.0] * 7 + [FAILURE_NOISE]
    assert (targets.best, targets.centre, targets.width) == (failed.best, failed.centre, failed.width)


@pytest.mark.parametrize(
    "values",
    [
        [0.30000000000000004, 0.3, 0.3, 0.3, 0.3, 0.29],
        [math.log(10)] * 5 + [math.nextafter(math.log(10), 3), 0.31],
        [0.0] * 5 + [1e-12, -5.0],
        [1e6, 1e6, 1e6, 1e6 + 1e-9, 1e6 - 1e-9, 1e5],
    ],
)
def test_a_gain_over_a_plateau_is_believed(values: list[float]) -> None:
    targets = _targets(_seen(*values), LOSS)
    assert targets.valued.all()
    assert targets.best == targets.values[-1] == targets.values.min()


def test_where_one_in_four_is_huge_it_is_true() -> None:
    targets = _targets(_seen(1.0, 1.1, 1.2, 1.3, -1e30, -1e30), LOSS)
    _check(targets)
    assert targets.best == targets.values[4] < targets.values[0]


@pytest.mark.parametrize("wild", [-1e3, -1e7])
def test_a_huge_good_value_leaves_the_others_apart(wild: float) -> None:
    targets = _targets(_seen(1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, wild), LOSS)
    _check(targets)
    assert targets.values.argmin() == 7
    assert len(set(targets.values)) == 8


@pytest.mark.parametrize("values", [(0.1,), (0.1, 0.1, 0.1), (1e300,) * 9, (-0.3,) * 2])
def test_constant_values_are_zeros(values: tuple[float, ...]) -> None:
    targets = _targets(_seen(*values), LOSS)
    assert targets.values == pytest.approx([0.0] * len(values), abs=1e-9)
    assert targets.standard_deviation(1.0) == 1.0


def test_the_odd_one_out_keeps_its_distance() -> None:
    assert clip(np.array([1.0, 1.0, 1.0, 1.0, 1e30])).tolist() == [1.0, 1.0, 1.0, 1.0, 1e30]
    assert clip(np.array([1.0] * 8 + [2.0, 1e30])).tolist() == [1.0] * 8 + [2.0, 2.5]
    assert clip(np.array([1.0] * 8 + [0.5, -1e30])).tolist() == [1.0] * 8 + [0.5, -49.0]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INFEASIBLE])
def test_failures_count_as_the_worst_value(outcome: Outcome) -> None:
    targets = _targets([*_seen(1.0, 2.0, 9.0), _without_value(outcome)], LOSS)
    _check(targets)
    assert targets.rows.tolist() == [0, 1, 2, 3]
    assert targets.values[3] == targets.values.max()
    assert targets.best == targets.values[0]


def test_failures_are_bad_even_where_all_values_are_equal() -> None:
    targets = _targets([*_seen(1.0), _without_value(Outcome.FAILED)], LOSS)
    assert targets.values[1] > targets.values[0] + 1


def test_unknown_outcomes_say_nothing() -> None:
    targets = _targets([_without_value(Outcome.UNKNOWN), *_seen(3.0, 4.0)], LOSS)
    assert targets.rows.tolist() == [1, 2]


def test_standard_errors_become_variances_of_the_outputs() -> None:
    targets = _targets(_seen(0.0, 2.0, error=0.5), LOSS)
    assert targets.noise == pytest.approx([0.25, 0.25])
    assert _targets(_seen(0.0, 2.0), LOSS).noise.tolist() == [0.0, 0.0]


@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    error=st.one_of(st.none(), st.floats(min_value=0, allow_infinity=False)),
    failures=st.integers(0, 5),
    goal=st.sampled_from(Goal),
)
def test_whatever_is_told_the_outputs_are_usable(
    values: list[float], error: float | None, failures: int, goal: Goal
) -> None:
    objective = Objective(metric="metric", goal=goal)
    failed = [_without_value(Outcome.FAILED)] * failures
    targets = _targets([*_seen(*values, error=error), *failed], objective)
    _check(targets)
    assert math.isfinite(targets.mean(targets.best))
    assert not targets.valued[len(values) :].any()
    best = min(np.array(values)[targets.valued[: len(values)]], key=objective.cost)
    assert targets.values[values.index(best)] == targets.best
