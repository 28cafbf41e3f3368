"""Early-stopping rules on recorded curves; what is expected was reckoned by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from asktell_server.domain.early_stopping import (
    Hyperband,
    MedianStopping,
    PatienceStopping,
    PercentileStopping,
    StoppingRule,
    SuccessiveHalving,
    ThresholdStopping,
)
from asktell_server.domain.early_stopping.bests import Bests, best_cost
from asktell_server.domain.metrics import Goal
from asktell_server.service.curves import Curve
from tests.support.curves import Points, decision, play

FIVE: dict[int, Points] = {number: {0: 1.0, 1: number / 10, 2: number / 20} for number in range(1, 6)}
"""Losses 0.1 to 0.5 at step 1 and 0.05 to 0.25 at step 2: medians 0.3 and 0.15."""


def a_curve(points: Points) -> Curve:
    curve = Curve()
    for step, value in points.items():
        curve.put(step, value, most=256)
    return curve


class TestMedian:
    def test_stops_what_is_worse_than_the_median(self) -> None:
        reason = decision(MedianStopping(), 6, 1, 0.31, curves=FIVE)

        assert reason == (
            "its best loss so far, 0.31, is worse than 0.3, the median of the 5 other trials that came to step 1"
        )

    def test_a_tie_goes_on(self) -> None:
        assert not decision(MedianStopping(), 6, 1, 0.3, curves=FIVE)

    def test_the_best_value_so_far_counts_not_the_last(self) -> None:
        assert not decision(MedianStopping(), 6, 2, 9.0, curves={**FIVE, 6: {1: 0.15}})

    def test_maximise(self) -> None:
        up = {number: {1: number / 10} for number in range(1, 6)}

        assert "worse than 0.3" in decision(MedianStopping(), 6, 1, 0.29, curves=up, goal=Goal.MAXIMIZE)
        assert not decision(MedianStopping(), 6, 1, 0.31, curves=up, goal=Goal.MAXIMIZE)

    def test_the_first_trials_go_on(self) -> None:
        four = {number: FIVE[number] for number in range(1, 5)}

        assert not decision(MedianStopping(), 5, 1, 99.0, curves=four)
        assert decision(MedianStopping(min_trials=4), 5, 1, 99.0, curves=four)

    def test_only_trials_that_got_to_the_step_count(self) -> None:
        short = {number: {1: 0.1} for number in range(6, 20)}  # no survivor is compared with what never got there

        assert decision(MedianStopping(), 20, 2, 0.16, curves={**FIVE, **short})
        assert not decision(MedianStopping(min_trials=6), 20, 2, 0.16, curves={**FIVE, **short})

    def test_steps_that_never_coincide(self) -> None:
        odd = {number: {10 * number: 0.5, 100 + number: 0.1} for number in range(1, 6)}

        assert decision(MedianStopping(), 6, 70, 0.6, curves=odd)  # by then the others had 0.5
        assert not decision(MedianStopping(), 6, 70, 0.4, curves=odd)

    def test_a_trial_is_no_other_of_itself(self) -> None:
        """A second attempt reports the steps of the first again."""
        own = {6: {0: 1.0, 1: 0.01, 2: 0.01}}

        assert not decision(MedianStopping(min_trials=6), 6, 1, 0.4, curves={**FIVE, **own})
        assert decision(MedianStopping(), 6, 1, 0.4, curves={**FIVE, **own})

    def test_a_late_report_is_judged_at_its_own_step(self) -> None:
        assert decision(MedianStopping(), 6, 1, 0.4, curves={**FIVE, 6: {2: 0.01}})

    def test_warm_up_interval_and_grace(self) -> None:
        rule = MedianStopping(min_steps=1, interval_steps=10, grace_trials=6)
        curves = {number: dict.fromkeys(range(31), 0.1) for number in range(1, 6)}

        assert not decision(rule, 7, 0, 9.0, curves=curves)  # warm-up
        assert decision(rule, 7, 1, 9.0, curves={**curves, 7: {0: 9.0}})
        assert not decision(rule, 7, 5, 9.0, curves={**curves, 7: {1: 9.0}})  # the interval from 1 to 10 was judged
        assert decision(
            rule, 7, 14, 9.0, curves={**curves, 7: {1: 9.0, 5: 9.0}}
        )  # the first report of that from 11 to 20
        assert not decision(rule, 6, 1, 9.0, curves=curves)  # grace

    def test_percentile(self) -> None:
        quarter = PercentileStopping(percentile=25)  # of 0.1 … 0.5: 0.2
        tenth = PercentileStopping(percentile=10)  # 0.1 + 0.4 * 0.1

        assert decision(quarter, 6, 1, 0.21, curves=FIVE)
        assert not decision(quarter, 6, 1, 0.2, curves=FIVE)
        assert "worse than 0.14, the end of the best 10 % of the 5" in decision(tenth, 6, 1, 0.15, curves=FIVE)

    def test_equal_values_give_exactly_their_percentile(self) -> None:
        same = {number: {1: 0.1} for number in range(1, 8)}

        assert not decision(PercentileStopping(percentile=37.7), 8, 1, 0.1, curves=same)


class TestThreshold:
    def test_both_sides(self) -> None:
        rule = ThresholdStopping(max=10, min=-1)

        assert decision(rule, 1, 3, 10.5, curves={}) == "its loss at step 3, 10.5, is above 10"
        assert decision(rule, 1, 3, -2, curves={}) == "its loss at step 3, -2, is below -1"
        assert not decision(rule, 1, 3, 10, curves={})

    def test_warm_up(self) -> None:
        assert not decision(ThresholdStopping(max=10, min_steps=2), 1, 1, 99, curves={})


class TestPatience:
    @pytest.mark.parametrize(
        ("rule", "points", "stopped_at"),
        [
            (PatienceStopping(patience_steps=2), {0: 3.0, 1: 2.0, 2: 2.0, 3: 2.5}, 3),
            (PatienceStopping(patience_steps=2, min_steps=4), {0: 3.0, 1: 2.0, 2: 2.0, 3: 2.5, 4: 2.5}, 4),
            (PatienceStopping(patience_steps=2), {0: 3.0, 1: 2.0, 2: 2.5, 3: 1.9, 4: 2.5}, None),
            (PatienceStopping(patience_steps=2, min_gain=0.15), {0: 2.0, 1: 1.9, 2: 1.8, 3: 1.7}, None),
            (PatienceStopping(patience_steps=2, min_gain=0.25), {0: 2.0, 1: 1.9, 2: 1.8, 3: 1.7}, 2),
            (PatienceStopping(patience_steps=30), {0: 2.0, 10: 2.0, 20: 2.0, 35: 2.0}, 35),  # steps, not reports
        ],
    )
    def test_no_gain(self, rule: StoppingRule, points: Points, stopped_at: int | None) -> None:
        assert play(rule, {1: points}).get(1) == stopped_at

    def test_maximise(self) -> None:
        up = {0: 0.5, 1: 0.6, 2: 0.7, 3: 0.7, 4: 0.6}

        assert play(PatienceStopping(patience_steps=2), {1: up}, goal=Goal.MAXIMIZE) == {1: 4}


class TestSuccessiveHalving:
    rule = SuccessiveHalving(min_steps=1, reduction_factor=2)  # rungs 1, 2, 4, 8 …

    def test_the_first_at_a_rung_go_on_then_the_best_half(self) -> None:
        curves = {
            1: {1: 0.9, 2: 0.9, 4: 0.9},
            2: {1: 0.8, 2: 0.8, 4: 0.8},
            3: {1: 0.85},  # second of three; one goes on
            4: {1: 0.7, 2: 0.7, 4: 0.7},  # first of four
            5: {1: 0.8, 2: 0.75},  # ties with the second of five: two go on. At 2 it is the second of four: two go on
            6: {1: 0.95},
        }

        assert play(self.rule, curves) == {3: 1, 6: 1}

    def test_each_rung_judges_once(self) -> None:
        curves = {1: {1: 0.1, 2: 0.1}, 2: {1: 0.1, 2: 0.1}, 3: {1: 0.1, 2: 0.1, 3: 9.0}}
        later = {4: {1: 0.0, 2: 0.0}, 5: {1: 0.0, 2: 0.0}, 6: {1: 0.0, 2: 0.0}}

        assert not decision(self.rule, 3, 3, 9.0, curves={**curves, **later})  # no rung between 2 and 3

    def test_a_jump_over_rungs_is_judged_at_all_of_them(self) -> None:
        curves = {number: {1: 0.1, 2: 0.1, 4: 0.1} for number in (1, 2)}

        assert "step 1;" in decision(self.rule, 3, 5, 0.2, curves=curves)
        assert "step 4;" in decision(self.rule, 3, 5, 0.2, curves={**curves, 3: {3: 0.2}})

    def test_a_rung_between_reports_is_reached_by_the_next_one(self) -> None:
        tens = {number: {0: 2.0, 10: number / 10} for number in (1, 2, 3)}
        rule = SuccessiveHalving(min_steps=9, reduction_factor=3)

        assert decision(rule, 4, 10, 0.15, curves={**tens, 4: {0: 0.5}}).startswith(
            "its best loss so far, 0.15, is at place 2 of the 4 trials that came to step 9; 1 of them go on"
        )

    def test_maximise(self) -> None:
        up = {1: {1: 0.5}, 2: {1: 0.6}, 3: {1: 0.55}, 4: {1: 0.7}}

        assert play(self.rule, up, goal=Goal.MAXIMIZE) == {3: 1}

    def test_a_second_attempt_is_not_judged_again(self) -> None:
        curves = {number: {1: 0.1, 2: 0.1} for number in (1, 2, 3)}

        assert not decision(self.rule, 3, 1, 0.9, curves=curves)


class TestHyperband:
    rule = Hyperband(min_steps=1, max_steps=9, reduction_factor=3)

    def test_brackets_get_their_shares(self) -> None:
        """3 brackets: ⌈3·9/3⌉ = 9, ⌈3·3/2⌉ = 5 and 3 of 17 trials."""
        counts = Counter(self.rule.group(number) for number in range(1, 1701))

        assert self.rule.brackets == 3
        assert counts.keys() == {0, 1, 2}
        assert [round(counts[bracket] / 100) for bracket in range(3)] == [9, 5, 3]

    def test_trials_compete_within_their_bracket(self) -> None:
        first = [number for number in range(1, 100) if self.rule.group(number) == 0]
        last = [number for number in range(1, 100) if self.rule.group(number) == 2]
        good = {number: {1: 0.1, 3: 0.1} for number in first[:5]}

        assert decision(self.rule, first[5], 1, 0.5, curves=good)
        assert not decision(self.rule, last[5], 1, 0.5, curves=good)
        assert not decision(
            self.rule, last[5], 1, 0.5, curves={number: {1: 0.1} for number in last[:5]}
        )  # no rung of it

    def test_nothing_is_stopped_at_its_end(self) -> None:
        first = [number for number in range(1, 100) if self.rule.group(number) == 0]
        good = {number: {1: 0.9, 3: 0.9, 9: 0.1} for number in first[:5]}

        assert not decision(self.rule, first[5], 9, 0.5, curves={**good, first[5]: {1: 0.5, 3: 0.5}})


class TestBests:
    def test_lists_follow_the_curves(self) -> None:
        bests = Bests(Goal.MINIMIZE)
        curves = {number: a_curve(points) for number, points in FIVE.items()}
        assert list(bests.at(1, group=0, curves=curves.values())) == [0.1, 0.2, 0.3, 0.4, 0.5]

        new = a_curve({0: 1.0, 3: 0.05})
        bests.grown(new, since=0, group=0)

        assert list(bests.at(1, group=0, curves=())) == [0.1, 0.2, 0.3, 0.4, 0.5, 1.0]  # what it had by step 1
        assert list(bests.at(3, group=0, curves=[new])) == [0.05]

    def test_groups_are_apart(self) -> None:
        bests = Bests(Goal.MINIMIZE)
        bests.at(1, group=1, curves=())

        bests.grown(a_curve({1: 0.5}), since=-1, group=0)

        assert list(bests.at(1, group=1, curves=())) == []

    def test_memory_is_bounded(self) -> None:
        curves = [a_curve(dict.fromkeys(range(20), 0.1)) for _ in range(10)]
        bests = Bests(Goal.MINIMIZE, max_steps=5, max_costs=30)
        made = []

        def all_curves(step: int) -> Iterator[Curve]:
            made.append(step)
            yield from curves

        for step in range(10):
            bests.at(step, group=0, curves=all_curves(step))
        for step in (9, 8, 7):
            bests.at(step, group=0, curves=all_curves(step))
        assert made == list(range(10))  # 30 costs are those of three steps
        bests.at(6, group=0, curves=all_curves(6))
        assert made[-1] == 6

    def test_a_curve_that_does_not_get_there_has_no_best(self) -> None:
        assert best_cost(a_curve({1: 0.5}), 2, Goal.MINIMIZE, at_rung=True) is None
        assert best_cost(a_curve({3: 0.5}), 2, Goal.MINIMIZE, at_rung=False) is None
        assert best_cost(a_curve({3: 0.5}), 2, Goal.MAXIMIZE, at_rung=True) == -0.5
