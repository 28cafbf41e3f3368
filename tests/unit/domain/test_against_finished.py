"""Rules that judge a trial by those that succeeded; what is expected was reckoned by hand."""

from __future__ import annotations

import random

import pytest
from scipy import stats

from asktell_server.domain.early_stopping import AutoStopping, WilcoxonStopping
from asktell_server.domain.early_stopping.signed_ranks import chance_of_ranks
from asktell_server.domain.metrics import Goal
from tests.support.curves import Points, decision

FINALS = {1: 0.30, 2: 0.31, 3: 0.33, 4: 0.34, 5: 0.32}
CURVES: dict[int, Points] = {number: {0: 1.0, 5: final + 0.2, 10: final} for number, final in FINALS.items()}
"""From step 5 on each goes down by 0.2, from step 0 by 0.66 to 0.7."""


def turned(curves: dict[int, Points]) -> dict[int, Points]:
    return {number: {step: -value for step, value in points.items()} for number, points in curves.items()}


class TestAuto:
    def test_stops_what_has_little_chance_to_better_the_best(self) -> None:
        spread = {**CURVES, 1: {5: 0.6, 10: 0.3}}  # it went down by 0.3: changes of -0.3 and four times -0.2

        assert not decision(AutoStopping(), 6, 5, 0.6, curves=spread, finals=FINALS)
        reason = decision(AutoStopping(), 6, 5, 0.75, curves=spread, finals=FINALS)

        # √(0.01 / 2 · 1.2) = 0.0775 around 0.55: 0.25 above the best is 3.23 deviations.
        assert reason == (
            "with a chance of 0.00062 its loss ends better than 0.3, the best of the 5 trials that succeeded; "
            "0.55 ± 0.077 is expected"
        )

    def test_maximise(self) -> None:
        finals = {number: -final for number, final in FINALS.items()}
        rule, goal = AutoStopping(), Goal.MAXIMIZE

        assert decision(rule, 6, 5, -0.51, curves=turned(CURVES), finals=finals, goal=goal)
        assert not decision(rule, 6, 5, -0.49, curves=turned(CURVES), finals=finals, goal=goal)

    def test_a_chance_of_none_counts_where_all_changed_alike(self) -> None:
        assert decision(AutoStopping(), 6, 5, 0.51, curves=CURVES, finals=FINALS)
        assert not decision(AutoStopping(), 6, 5, 0.49, curves=CURVES, finals=FINALS)

    def test_it_waits_for_enough_trials_that_succeeded_and_got_there(self) -> None:
        four = {number: final for number, final in FINALS.items() if number > 1}

        assert not decision(AutoStopping(), 6, 5, 9.0, curves=CURVES, finals=four)
        assert decision(AutoStopping(min_trials=4), 6, 5, 9.0, curves=CURVES, finals=four)
        assert not decision(AutoStopping(), 6, 5, 9.0, curves={**CURVES, 2: {6: 0.5, 10: 0.31}}, finals=FINALS)

    def test_at_the_end_nothing_is_stopped(self) -> None:
        assert decision(AutoStopping(), 6, 9, 9.0, curves=CURVES, finals=FINALS)
        assert not decision(AutoStopping(), 6, 10, 9.0, curves=CURVES, finals=FINALS)

    def test_steps_and_intervals(self) -> None:
        rule = AutoStopping(min_steps=6, interval_steps=3)

        stopped = [step for step in range(10) if decision(rule, 6, step, 9.0, curves=CURVES, finals=FINALS)]
        assert stopped == [6, 7, 8, 9]  # each is the first report of the trial
        known: dict[int, Points] = {**CURVES, 6: dict.fromkeys(range(10), 9.0)}
        stopped = [step for step in range(10) if decision(rule, 6, step, 9.0, curves=known, finals=FINALS)]
        assert stopped == [6, 9]


FOLDS: dict[int, Points] = {1: {0: 0.30, 1: 0.40, 2: 0.20, 3: 0.35, 4: 0.31}, 2: {0: 0.1, 1: 0.9}}
MEANS = {1: 0.312, 2: 0.5}


class TestWilcoxon:
    def test_stops_what_is_worse_over_the_same_folds(self) -> None:
        worse = {0: 0.31, 1: 0.42, 2: 0.23}

        reason = decision(WilcoxonStopping(), 3, 3, 0.39, curves={**FOLDS, 3: worse}, finals=MEANS)

        assert reason == (
            "its loss is worse than that of the best trial at 4 of 4 steps that both have reported: p = 0.062"
        )
        assert not decision(WilcoxonStopping(), 3, 2, 0.9, curves={**FOLDS, 3: worse}, finals=MEANS)  # 1/8 at best
        assert not decision(WilcoxonStopping(p=0.05), 3, 3, 0.39, curves={**FOLDS, 3: worse}, finals=MEANS)

    def test_folds_are_compared_pair_by_pair(self) -> None:
        """It is as good on average, and worse than the best one's mean at each: but on the hard folds."""
        same = {0: 0.30, 1: 0.40, 2: 0.20, 3: 0.35}
        assert not decision(WilcoxonStopping(p=0.9), 3, 4, 0.31, curves={**FOLDS, 3: same}, finals=MEANS)

    def test_only_steps_that_both_have(self) -> None:
        others = {0: 0.31, 1: 0.42, 7: 9.0, 8: 9.0}
        assert not decision(WilcoxonStopping(), 3, 9, 9.0, curves={**FOLDS, 3: others}, finals=MEANS)

    def test_what_is_better_on_average_goes_on(self) -> None:
        mixed = {0: 0.31, 1: 0.42, 2: 0.23, 3: 0.39}
        assert decision(WilcoxonStopping(p=0.3), 3, 4, 0.30, curves={**FOLDS, 3: mixed}, finals=MEANS)
        assert not decision(WilcoxonStopping(p=0.3), 3, 4, -0.9, curves={**FOLDS, 3: mixed}, finals=MEANS)

    def test_maximise_and_first_trials(self) -> None:
        worse = {0: 0.31, 1: 0.42, 2: 0.23}
        finals = {number: -mean for number, mean in MEANS.items()}
        curves = turned({**FOLDS, 3: worse})

        assert decision(WilcoxonStopping(), 3, 3, -0.39, curves=curves, finals=finals, goal=Goal.MAXIMIZE)
        assert not decision(WilcoxonStopping(), 3, 3, 0.39, curves={**FOLDS, 3: worse})


class TestSignedRanks:
    def test_few_differences_are_exact(self) -> None:
        assert chance_of_ranks([0.1, 0.2, 0.3, 0.4]) == 1 / 16
        assert chance_of_ranks([-0.1, 0.2, 0.3, 0.4]) == 2 / 16
        assert chance_of_ranks([-0.1, -0.2]) == 1.0
        assert chance_of_ranks([0.0, 0.0]) == chance_of_ranks([]) == 1.0

    def test_equal_sizes_share_their_ranks(self) -> None:
        assert chance_of_ranks([1, 1, 1, -1]) == 5 / 16  # all four have rank 2.5: 10, and four times 7.5

    @pytest.mark.parametrize("count", [3, 7, 12, 25, 30, 31, 60, 200])
    def test_they_are_those_of_scipy(self, count: int) -> None:
        draw = random.Random(count)
        differences = [draw.gauss(0.2, 1.0) for _ in range(count)]
        method = "exact" if count <= 30 else "asymptotic"
        expected = stats.wilcoxon(differences, alternative="greater", method=method).pvalue
        assert chance_of_ranks(differences) == pytest.approx(expected, rel=1e-9)

    def test_the_approximation_goes_on_where_the_exact_ones_end(self) -> None:
        draw = random.Random(1)
        differences = [draw.gauss(0.3, 1.0) for _ in range(31)]
        exact = stats.wilcoxon(differences, alternative="greater", method="exact").pvalue
        assert chance_of_ranks(differences) == pytest.approx(exact, abs=0.005)
