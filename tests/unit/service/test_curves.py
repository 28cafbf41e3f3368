"""Curves: what is kept of reports, whatever the order in which they come, and how much."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.metrics import Measurement, Metric
from asktell_server.service.curves import MAX_POINTS, MIN_POINTS, Curve, Curves, most_to_read
from asktell_server.store.protocol import CurvePart, Point
from tests.support.builders import NOW

steps = st.lists(st.integers(0, 400), min_size=1, max_size=60, unique=True)


def curve(points: list[Point], *, most: int = MAX_POINTS) -> Curve:
    """A curve of these reports."""
    made = Curve()
    for step, value in points:
        made.put(step, value, most=most)
        assert len(made) <= most
    return made


def points_of(made: Curve) -> list[Point]:
    """What a curve has kept."""
    return list(zip(made.steps, made.values, strict=True))


def measurement(step: int, **values: float) -> Measurement:
    """A report of some metrics."""
    metrics = {name: Metric(value=value) for name, value in values.items()}
    return Measurement(step=step, metrics=metrics, report_time=NOW)


@given(steps)
def test_a_short_curve_keeps_everything_in_the_order_of_the_steps(reported: list[int]) -> None:
    assert points_of(curve([(step, step / 3) for step in reported])) == [(step, step / 3) for step in sorted(reported)]


@given(steps, st.randoms(use_true_random=False), st.integers(2, 20))
def test_what_is_kept_depends_on_no_order(reported: list[int], random: st.DataObject, most: int) -> None:
    points = [(step, step / 3) for step in reported]
    in_order = curve(sorted(points), most=most)
    assert points_of(curve(points, most=most)) == points_of(in_order)
    late = curve(points)
    late.thin(most)
    assert points_of(late) == points_of(in_order)


@given(steps, st.integers(2, 20))
def test_the_first_the_last_and_an_even_spread_are_kept(reported: list[int], most: int) -> None:
    kept = list(curve([(step, 0.0) for step in reported], most=most).steps)
    assert set(kept) <= set(reported)
    assert (kept[0], kept[-1]) == (min(reported), max(reported))


@pytest.mark.parametrize(("length", "spacing"), [(1_000, 1), (257, 1), (1_000, 100), (10_000, 7)])
def test_a_long_curve_is_even(length: int, spacing: int) -> None:
    kept = list(curve([(index * spacing, 0.0) for index in range(length)]).steps)
    assert len(kept) > MAX_POINTS / 2
    gaps = [later - earlier for earlier, later in pairwise(kept[:-1])]
    assert max(gaps) - min(gaps) <= spacing


def test_a_longer_curve_keeps_steps_that_a_shorter_one_keeps_too() -> None:
    long, short = (set(curve([(step, 0.0) for step in range(length)]).steps) for length in (3_000, 500))
    assert {step for step in long if step < 499} <= short


def test_the_later_report_of_a_step_counts() -> None:
    first_attempt = [(step, 1.0) for step in range(5)]
    second_attempt = [(step, 2.0) for step in range(3)]
    assert list(curve(first_attempt + second_attempt).values) == [2.0, 2.0, 2.0, 1.0, 1.0]


def test_a_value_is_that_of_the_step_or_of_the_last_before_it() -> None:
    made = curve([(3, 0.3), (5, 0.5), (9, 0.9)])
    assert [made.at(step) for step in (0, 2, 3, 4, 5, 8, 9, 100)] == [None, None, 0.3, 0.3, 0.5, 0.5, 0.9, 0.9]


def test_a_new_server_reads_less_of_each_trial_the_more_there_are() -> None:
    reads = [most_to_read(trials) for trials in (1, 100, 1_000, 10_000, 1_000_000)]
    assert reads == sorted(reads, reverse=True)
    assert reads[0] >= MAX_POINTS
    assert reads[-1] == MIN_POINTS


def test_each_metric_of_a_trial_has_its_own_steps() -> None:
    curves = Curves()
    curves.report(1, measurement(0, loss=1.0))
    curves.report(1, measurement(1, loss=0.5, accuracy=0.6))
    curves.extend(CurvePart(number=2, points={"loss": [(4, 0.25), (2, 0.75)]}))
    assert {metric: points_of(made) for metric, made in curves.of(1).items()} == {
        "loss": [(0, 1.0), (1, 0.5)],
        "accuracy": [(1, 0.6)],
    }
    assert points_of(curves.of(2)["loss"]) == [(2, 0.75), (4, 0.25)]
    assert curves.of(3) == {}
    assert curves.points == 5
    curves.report(1, measurement(1, loss=0.5, accuracy=0.6))
    assert curves.points == 5, "it is known already"
    curves.remove(1)
    curves.remove(3)
    assert (curves.of(1), curves.points) == ({}, 2)


def test_a_study_with_many_points_thins_all_its_curves() -> None:
    curves = Curves(max_points=3_000)
    for step in range(150):
        for number in range(1, 31):
            curves.report(number, measurement(step, loss=float(step)))
            assert curves.points <= 3_000
    lengths = [len(curves.of(number)["loss"]) for number in range(1, 31)]
    assert sum(lengths) == curves.points
    assert min(lengths) > MIN_POINTS
    assert max(lengths) - min(lengths) <= 1, "no trial is thinned more than the others"
    assert all(curves.of(number)["loss"].at(149) == 149.0 for number in range(1, 31))


def test_a_study_with_very_many_trials_forgets_those_that_reported_first() -> None:
    curves = Curves(max_points=1_000)
    for number in range(1, 201):
        curves.extend(CurvePart(number=number, points={"loss": [(step, 0.0) for step in range(MIN_POINTS)]}))
    assert curves.points <= 1_000
    kept = [number for number in range(1, 201) if curves.of(number)]
    assert kept == list(range(kept[0], 201))
    assert len(kept) == 1_000 // MIN_POINTS
    curves.report(1, measurement(99, loss=1.0))
    assert curves.of(1)["loss"].at(99) == 1.0
