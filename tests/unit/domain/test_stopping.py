"""When a study is complete."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.standings import TotalOrder
from asktell_server.domain.stopping import finish_reason
from asktell_server.domain.study import FinishReason, StoppingRules, Study
from asktell_server.domain.trial import Origin, Trial, TrialState
from tests.support.builders import NOW, a_running_trial, a_study, a_trial, ended_trial, later, ranked


def _study(goal: Goal = Goal.MINIMIZE, **rules: object) -> Study:
    return a_study(goals=Goals(objectives=(Objective(metric="loss", goal=goal),)), stopping=StoppingRules(**rules))  # type: ignore[arg-type]


def _ended(*values: float | None) -> list[Trial]:
    return [ended_trial(index + 1, value) for index, value in enumerate(values)]


def _reason(study: Study, trials: Sequence[Trial]) -> FinishReason | None:
    return finish_reason(study, ranked(trials, study.goals), ended=len(trials), now=NOW)


def test_without_rules_a_study_never_ends() -> None:
    assert finish_reason(_study(), ranked(_ended(0.0), a_study().goals), ended=10**9, now=later(1e9)) is None


@pytest.mark.parametrize(
    ("ended", "reason"), [(0, None), (9, None), (10, FinishReason.MAX_TRIALS), (11, FinishReason.MAX_TRIALS)]
)
def test_max_trials(ended: int, reason: FinishReason | None) -> None:
    assert finish_reason(_study(max_trials=10), TotalOrder(), ended=ended, now=NOW) is reason


@pytest.mark.parametrize(("after_s", "reason"), [(-1, None), (0, FinishReason.DEADLINE), (1, FinishReason.DEADLINE)])
def test_deadline(after_s: float, reason: FinishReason | None) -> None:
    assert finish_reason(_study(deadline=NOW), TotalOrder(), ended=0, now=later(after_s)) is reason


@pytest.mark.parametrize(
    ("goal", "target", "values", "reached"),
    [
        (Goal.MINIMIZE, 0.2, [0.5, 0.3], False),
        (Goal.MINIMIZE, 0.2, [0.5, 0.2], True),
        (Goal.MINIMIZE, 0.2, [0.1, 0.5], True),
        (Goal.MINIMIZE, -1.0, [-0.5], False),
        (Goal.MINIMIZE, 0.0, [0.0], True),
        (Goal.MAXIMIZE, 0.9, [0.5, 0.8], False),
        (Goal.MAXIMIZE, 0.9, [0.9], True),
        (Goal.MAXIMIZE, 0.9, [0.95, 0.1], True),
        (Goal.MINIMIZE, 0.2, [None, None], False),
        (Goal.MINIMIZE, 0.2, [], False),
    ],
)
def test_target(goal: Goal, target: float, values: list[float | None], reached: bool) -> None:
    reason = _reason(_study(goal, target_value=target), _ended(*values))
    assert reason is (FinishReason.TARGET if reached else None)


def test_running_trials_reach_no_target() -> None:
    running = a_running_trial(metrics={"loss": Metric(value=0.0)})
    assert _reason(_study(target_value=1.0), [running]) is None


@pytest.mark.parametrize(
    ("goal", "values", "stops"),
    [
        (Goal.MINIMIZE, [0.5, 0.6, 0.7], False),
        (Goal.MINIMIZE, [0.5, 0.6, 0.7, 0.8], True),
        (Goal.MINIMIZE, [0.5, 0.5, 0.5, 0.5], True),
        (Goal.MINIMIZE, [0.5, 0.6, 0.7, 0.4], False),
        (Goal.MINIMIZE, [0.5, 0.6, 0.7, 0.4, 0.5, 0.5, 0.5], True),
        (Goal.MINIMIZE, [0.5, None, None, None], True),
        (Goal.MINIMIZE, [None, None, None], True),
        (Goal.MINIMIZE, [None, None, 0.5, None, None], False),
        (Goal.MAXIMIZE, [0.5, 0.4, 0.3, 0.2], True),
        (Goal.MAXIMIZE, [0.2, 0.3, 0.4, 0.5], False),
    ],
)
def test_patience_of_three(goal: Goal, values: list[float | None], stops: bool) -> None:
    reason = _reason(_study(goal, patience_trials=3), _ended(*values))
    assert reason is (FinishReason.PATIENCE if stops else None)


def test_patience_goes_by_the_order_in_which_trials_ended() -> None:
    best_told_last = [ended_trial(1, 0.1, after_s=50), *(ended_trial(number, 0.5) for number in range(2, 6))]
    assert _reason(_study(patience_trials=3), best_told_last) is None
    best_told_first = [ended_trial(1, 0.1, after_s=0), *(ended_trial(number, 0.5) for number in range(2, 6))]
    assert _reason(_study(patience_trials=3), best_told_first) is FinishReason.PATIENCE


def test_imports_set_the_mark_and_are_not_counted() -> None:
    imports = [ended_trial(number, 0.1 * number, origin=Origin.IMPORT) for number in range(1, 6)]
    study = _study(patience_trials=2)
    assert _reason(study, imports) is None
    assert _reason(study, [*imports, ended_trial(6, 0.5)]) is None
    assert _reason(study, [*imports, ended_trial(6, 0.5), ended_trial(7, 0.3)]) is FinishReason.PATIENCE
    assert _reason(study, [*imports, ended_trial(6, 0.5), ended_trial(7, 0.05)]) is None


def test_an_import_that_ended_later_than_all_still_comes_first() -> None:
    late_import = ended_trial(9, 0.1, after_s=1000, origin=Origin.IMPORT)
    trials = [ended_trial(1, 0.5), ended_trial(2, 0.4), late_import]
    assert _reason(_study(patience_trials=2), trials) is FinishReason.PATIENCE


def test_cancelled_trials_do_not_try_patience() -> None:
    cancelled = [a_trial(number=number).cancel(reason="", now=later(number)) for number in range(2, 9)]
    assert _reason(_study(patience_trials=2), [ended_trial(1, 0.5), *cancelled]) is None


def test_abandoned_trials_do() -> None:
    abandoned = [a_running_trial(number=number).expire(max_attempts=1, now=later(number)) for number in range(2, 4)]
    assert [trial.state for trial in abandoned] == [TrialState.ABANDONED] * 2
    assert _reason(_study(patience_trials=2), [ended_trial(1, 0.5), *abandoned]) is FinishReason.PATIENCE


@given(st.lists(st.one_of(st.none(), st.integers(0, 5).map(float)), max_size=12), st.integers(1, 6))
def test_patience_is_the_trials_since_the_last_gain(values: list[float | None], patience: int) -> None:
    gains = [
        index
        for index, value in enumerate(values)
        if value is not None and all(before is None or before > value for before in values[:index])
    ]
    since = len(values) - (gains[-1] + 1 if gains else 0)
    reason = _reason(_study(patience_trials=patience), _ended(*values))
    assert reason is (FinishReason.PATIENCE if since >= patience else None)


def test_the_first_rule_that_holds_is_the_reason() -> None:
    study = _study(max_trials=1, target_value=1.0, patience_trials=1, deadline=NOW)
    assert _reason(study, _ended(0.5)) is FinishReason.MAX_TRIALS
    assert finish_reason(study, ranked(_ended(0.5), study.goals), ended=0, now=NOW) is FinishReason.DEADLINE
    assert finish_reason(study, ranked(_ended(0.5), study.goals), ended=0, now=later(-1)) is FinishReason.TARGET
