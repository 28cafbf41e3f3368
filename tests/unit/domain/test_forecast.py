"""How trials would end that are stopped; what is expected was reckoned by hand."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from asktell_server.domain.early_stopping.forecast import Change, Changes, FinishedCurve, change_after, forecast
from asktell_server.domain.metrics import Goal

CURVE = FinishedCurve(steps=(1, 3, 10), values=(0.9, 0.5, 0.3), final=0.25)


def alike(*changes: float) -> list[Change]:
    """Of trials that were all at the same value."""
    return sorted((0.7, change) for change in changes)


def test_those_that_were_nearest_say_how_it_goes_on() -> None:
    """Twelve trials: the six of them whose values at the step were nearest, three of them above."""
    changes = [(place / 10, -place / 20) for place in range(12)]
    assert forecast((1,), (0.54,), changes).value == pytest.approx(0.54 - (5 + 6) / 2 / 20)
    assert forecast((1,), (-9.0,), changes).value == pytest.approx(-9.0 - 2.5 / 20)
    assert forecast((1,), (9.0,), changes).value == pytest.approx(9.0 - 8.5 / 20)
    assert forecast((1,), (0.54,), changes).trials == 6


@pytest.mark.parametrize(("count", "heard"), [(4, 4), (5, 5), (9, 5), (11, 6), (60, 30), (1000, 30)])
def test_half_of_them_are_heard(count: int, heard: int) -> None:
    draw = random.Random(count)
    changes = sorted((draw.random(), draw.random()) for _ in range(count))
    for value in (-1.0, 0.0, 0.3, 0.5, 1.0, 2.0):
        nearest = sorted(changes, key=lambda change: abs(change[0] - value))[:heard]
        end = forecast((1,), (value,), changes)
        assert end.trials == heard
        assert end.value == pytest.approx(value + statistics.median(change for _, change in nearest))


@pytest.mark.parametrize(("step", "change"), [(1, -0.65), (2, -0.45), (3, -0.25), (10, -0.05)])
def test_the_change_from_a_step_to_the_result_is_interpolated(step: int, change: float) -> None:
    assert change_after(CURVE, step) == pytest.approx((0.25 - change, change))


@pytest.mark.parametrize("step", [0, 11])
def test_a_curve_that_begins_later_or_ends_before_says_nothing(step: int) -> None:
    assert change_after(CURVE, step) is None


def test_the_last_value_plus_the_median_change() -> None:
    end = forecast((0, 1), (0.9, 0.8), alike(-0.5, -0.3, -0.3, -0.2, -0.1))

    assert end.value == pytest.approx(0.5)
    # Squares around the median 0.04 + 0 + 0 + 0.01 + 0.04, over n - 3, times 1 + 1/n.
    assert end.standard_deviation == pytest.approx(math.sqrt(0.09 / 2 * 1.2))
    assert end.trials == 5


def test_of_an_even_number_of_changes_the_median_lies_between() -> None:
    assert forecast((5,), (1.0,), alike(-0.4, -0.3, -0.1, 0.0)).value == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("steps", "values", "changes", "uncertain"),
    [
        ((0, 1, 2, 3, 4), (0.9, 0.5, 0.4, 0.35, 0.33), [], 0.5 - 0.33),
        ((0, 1, 2, 3, 4), (0.9, 0.5, 0.4, 0.35, 0.33), [-0.3, -0.01], 0.3),
        ((0, 1, 2, 3, 4), (0.33,) * 5, [], 0.0),
        ((7,), (-0.4,), [], 0.4),
    ],
    ids=["since half of its way", "as the few finished trials", "a plateau", "nothing is known"],
)
def test_with_few_finished_trials_the_last_value_stays_and_is_uncertain(
    steps: tuple[int, ...], values: tuple[float, ...], changes: list[float], uncertain: float
) -> None:
    end = forecast(steps, values, alike(*changes))

    assert (end.value, end.trials) == (values[-1], 0)
    assert end.standard_deviation == pytest.approx(uncertain)


def test_the_chance_to_end_better_than_a_bound() -> None:
    end = forecast((1,), (0.8,), alike(-0.5, -0.3, -0.3, -0.2, -0.1))
    below = end.value - end.standard_deviation
    assert end.chance_better(end.value, Goal.MINIMIZE) == pytest.approx(0.5)
    assert end.chance_better(below, Goal.MINIMIZE) == pytest.approx(0.15866, abs=1e-5)
    assert end.chance_better(below, Goal.MAXIMIZE) == pytest.approx(0.84134, abs=1e-5)
    certain = forecast((1,), (0.8,), alike(*[-0.3] * 4))
    assert [certain.chance_better(bound, Goal.MINIMIZE) for bound in (0.51, 0.5, 0.49)] == [1.0, 0.0, 0.0]


def test_huge_values_give_finite_numbers() -> None:
    huge = 1.7e308
    for changes in ([-huge, -1.0, 1.0, huge], [-huge] * 5, [-3.0, -2.0, 2.0, 3.0]):
        end = forecast((1, 2), (huge, -huge), alike(*changes))
        assert math.isfinite(end.value)
        assert math.isfinite(end.standard_deviation)


def test_changes_follow_the_finished_trials() -> None:
    changes = Changes()
    assert [change for _, change in changes.at(3, curves=[CURVE])] == pytest.approx([-0.25])

    changes.grown(FinishedCurve(steps=(2, 4), values=(1.0, 0.6), final=0.6), since=-1)

    assert [value for value, _ in changes.at(3, curves=())] == pytest.approx([0.5, 0.8])
    assert [change for _, change in changes.at(3, curves=())] == pytest.approx([-0.25, -0.2])
