"""How results stand among each other, compared with a walk through all of them."""

from __future__ import annotations

import dataclasses
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.standings import Standing, TotalOrder, standing_of
from asktell_server.domain.trial import Origin, Result, Trial, TrialState
from tests.support.builders import NOW, a_running_trial, a_trial, ended_trial, ranked

GOALS = Goals(objectives=(Objective(metric="loss", goal=Goal.MINIMIZE),))
UP = Goals(objectives=(Objective(metric="loss", goal=Goal.MAXIMIZE),))

_values = st.one_of(st.none(), st.integers(0, 4).map(float))
_ended = st.builds(
    lambda number, value, after_s, imported: ended_trial(
        number, value, after_s=after_s, origin=Origin.IMPORT if imported else Origin.MODEL
    ),
    st.integers(1, 12),
    _values,
    st.integers(0, 6),
    st.booleans(),
)


def _value(trial: Trial) -> float | None:
    return trial.metrics["loss"].value if "loss" in trial.metrics else None


def _run_without_gain(trials: list[Trial]) -> int:
    """By a walk through all of them in the order of their ends."""
    run, best = 0, math.inf
    for trial in sorted(trials, key=lambda each: (each.origin is not Origin.IMPORT, each.finish_time, each.number)):
        value = _value(trial)
        if value is not None and value < best:
            run, best = 0, value
        elif trial.origin is not Origin.IMPORT:
            run += 1
    return run


@given(st.lists(st.tuples(_ended, st.booleans()), max_size=40))
def test_they_follow_whatever_is_put_in_and_taken_out(changes: list[tuple[Trial, bool]]) -> None:
    standings, there = TotalOrder(), dict[int, Trial]()
    for trial, stays in changes:
        standings.remove(trial.number)
        there.pop(trial.number, None)
        if stays:
            standing = standing_of(trial, GOALS)
            assert standing is not None
            standings.put(trial.number, standing)
            there[trial.number] = trial
        with_value = [each for each in there.values() if _value(each) is not None]
        expected = sorted(with_value, key=lambda each: (_value(each), each.number))
        assert standings.best(100) == [each.number for each in expected]
        assert standings.best(2) == [each.number for each in expected[:2]]
        assert standings.reaches((0.0, 1.0)) == any(each.metrics["loss"].value <= 1.0 for each in with_value)
        assert standings.run_without_gain == _run_without_gain(list(there.values()))
        assert all(standings.of(number) == standing_of(each, GOALS) for number, each in there.items())


@given(st.lists(_ended, unique_by=lambda trial: trial.number), st.integers(0, 12))
def test_many_at_once_are_as_one_by_one(trials: list[Trial], split: int) -> None:
    later = {trial.number: standing for trial in trials[split:] if (standing := standing_of(trial, GOALS)) is not None}
    standings = ranked(trials[:split], GOALS)
    standings.extend(later)
    one_by_one = ranked(trials, GOALS)
    assert standings.best(99) == one_by_one.best(99)
    assert standings.run_without_gain == one_by_one.run_without_gain == _run_without_gain(trials)
    for trial in trials:
        standings.remove(trial.number)
        trials = [each for each in trials if each is not trial]
        assert standings.run_without_gain == _run_without_gain(trials)


def test_the_best_come_first_and_equal_ones_by_number() -> None:
    trials = [ended_trial(4, 0.5), ended_trial(1, None), ended_trial(3, 0.2), ended_trial(2, 0.5)]
    assert ranked(trials, GOALS).best(9) == [3, 2, 4]
    assert ranked(trials, UP).best(9) == [2, 4, 3]


@pytest.mark.parametrize(
    ("goals", "target", "value", "reached"),
    [(GOALS, 0.2, 0.3, False), (GOALS, 0.2, 0.2, True), (UP, 0.9, 0.8, False), (UP, 0.9, 0.95, True)],
)
def test_a_target_is_reached_from_the_better_side(goals: Goals, target: float, value: float, reached: bool) -> None:
    rank = goals.target(target, {})
    assert rank is not None
    assert ranked([ended_trial(1, value)], goals).reaches(rank) is reached
    failed = dataclasses.replace(ended_trial(1, None), metrics={"loss": Metric(value=value)})
    assert not ranked([failed], goals).reaches(rank)


@pytest.mark.parametrize(
    "trial", [a_trial(), a_running_trial(), a_trial().cancel(reason="", now=NOW)], ids=lambda trial: trial.state.value
)
def test_open_and_cancelled_trials_take_no_part(trial: Trial) -> None:
    assert standing_of(trial, GOALS) is None


def test_an_abandoned_trial_is_one_without_a_gain() -> None:
    abandoned = a_running_trial().expire(max_attempts=1, now=NOW)
    assert abandoned.state is TrialState.ABANDONED
    assert ranked([abandoned], GOALS).run_without_gain == 1


def test_a_stopped_trial_counts_like_one_that_succeeded() -> None:
    stopped = Result(state=TrialState.STOPPED, metrics={"loss": Metric(value=0.5)})
    trial, _ = a_running_trial().tell(stopped, lease_id="lease-1", now=NOW)
    assert ranked([trial], GOALS).best(1) == [1]


class Counted(float):
    """A number that counts how often it is compared."""

    comparisons = 0

    def __lt__(self, other: float) -> bool:
        Counted.comparisons += 1
        return float(self) < float(other)


def test_a_result_more_takes_comparisons_as_the_logarithm_of_all() -> None:
    rng = random.Random(1)
    standings = TotalOrder()
    spent = []
    for number in range(1, 20_001):
        Counted.comparisons = 0
        standings.put(number, Standing(rank=(Counted(rng.random()),), imported=False, end=number))
        spent.append(Counted.comparisons)
    assert sum(spent[-1000:]) < 4 * sum(spent[20:1020]), "twenty times as many trials"
    Counted.comparisons = 0
    assert len(standings.best(1000)) == 1000
    assert standings.run_without_gain > 0
    assert Counted.comparisons < 40, "as the logarithm"
