"""Several objectives and outcome constraints: what is feasible, what is best, what is a gain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain import pareto
from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.front import ParetoOrder, standings_of
from asktell_server.domain.goal_rules import validate_goals, validate_targets
from asktell_server.domain.goals import Goals, Rank
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint, Split
from asktell_server.domain.standings import Standing, Standings, standing_of
from asktell_server.domain.stopping import finish_reason
from asktell_server.domain.study import FinishReason, StoppingRules, Study
from asktell_server.domain.trial import Result, Trial, TrialState
from tests.support.builders import NOW, a_study, ended_trial, ranked

LOSS = Objective(metric="loss", goal=Goal.MINIMIZE, reference=1.0)
SPEED = Objective(metric="speed", goal=Goal.MAXIMIZE, reference=0.0)
BOTH = Goals(objectives=(LOSS, SPEED))
ALONE = Objective(metric="loss", goal=Goal.MINIMIZE)
AT_MOST = OutcomeConstraint(metric="ms", max=50.0)
AT_LEAST = OutcomeConstraint(metric="accuracy", min=0.9, of_baseline=True)
BOUND = Goals(objectives=(ALONE,), outcome_constraints=(AT_MOST,))


def _result(**values: float) -> Result:
    return Result(state=TrialState.SUCCEEDED, metrics={name: Metric(value=value) for name, value in values.items()})


def _order(*results: Result, goals: Goals = BOTH) -> Standings:
    """The standings of trials with these results, which ended one after the other."""
    return ranked([ended_trial(place + 1, 0.0, metrics=each.metrics) for place, each in enumerate(results)], goals)


def test_the_best_of_several_objectives_are_the_front_in_the_order_of_the_first() -> None:
    order = _order(
        _result(loss=0.5, speed=5.0),
        _result(loss=0.2, speed=1.0),
        _result(loss=0.6, speed=4.0),
        _result(loss=0.9, speed=9.0),
        _result(loss=0.2, speed=1.0),
    )
    assert order.best(1) == [2, 5, 1, 4]
    assert order.feasible


def test_the_hypervolume_is_measured_from_the_references() -> None:
    results = [_result(loss=0.5, speed=2.0), _result(loss=2.0, speed=9.0), _result(loss=0.0, speed=1.0)]
    assert _order(*results[:1]).hypervolume == pytest.approx(1.0)
    assert _order(*results).hypervolume == pytest.approx(1.5)
    assert _order().hypervolume is None
    assert _order(_result(loss=0.1), goals=Goals(objectives=(ALONE,))).hypervolume is None


GAINS = [
    (_result(loss=2.0, speed=1.0), False),  # beyond a reference
    (_result(loss=0.5, speed=1.0), True),
    (_result(loss=0.5, speed=1.0), False),
    (_result(loss=0.9, speed=0.5), False),
    (_result(loss=0.9, speed=1.5), True),
    (_result(loss=0.1, speed=2.0), True),
]


def test_a_gain_adds_to_the_hypervolume() -> None:
    run = 0
    for count, (_, gain) in enumerate(GAINS, start=1):
        run = 0 if gain else run + 1
        assert _order(*(result for result, _ in GAINS[:count])).run_without_gain == run


_values = st.integers(0, 4).map(float)
_changes = st.lists(
    st.tuples(st.integers(1, 8), _values, _values, _values, st.integers(0, 5), st.booleans()), max_size=25
)


@given(_changes)
def test_standings_follow_whatever_is_put_in_and_taken_out(
    changes: list[tuple[int, float, float, float, int, bool]],
) -> None:
    goals = Goals(objectives=(LOSS, SPEED), outcome_constraints=(OutcomeConstraint(metric="ms", max=2.0),))
    standings, there = standings_of(goals), dict[int, Trial]()
    for number, loss, speed, ms, after_s, stays in changes:
        standings.remove(number)
        there.pop(number, None)
        if stays:
            metrics = _result(loss=loss / 4, speed=speed, ms=ms).metrics
            there[number] = ended_trial(number, 0.0, metrics=metrics, after_s=after_s)
            standing = standing_of(there[number], goals)
            assert standing is not None
            standings.put(number, standing)
        anew = ranked(sorted(there.values(), key=lambda each: -each.number), goals)
        assert standings.best(3) == anew.best(3)
        assert standings.feasible == anew.feasible
        assert standings.hypervolume == anew.hypervolume
        assert standings.run_without_gain == anew.run_without_gain


def test_the_best_keep_the_constraints_and_without_any_the_least_violating_come_first() -> None:
    results = [_result(loss=0.1, ms=60.0), _result(loss=0.2, ms=55.0), _result(loss=0.9, ms=50.0)]
    assert _order(*results, goals=BOUND).best(9) == [3]
    least = _order(*results[:2], goals=BOUND)
    assert least.best(9) == [2, 1]
    assert not least.feasible
    assert [BOUND.violation(result) for result in results] == pytest.approx([0.2, 0.1, 0.0])
    assert _order(*results, goals=BOUND).run_without_gain == 0
    assert _order(*reversed(results), goals=BOUND).run_without_gain == 2


def _reached(study: Study, *results: Result) -> bool:
    return finish_reason(study, _order(*results, goals=study.goals), ended=0, now=NOW) is FinishReason.TARGET


def test_only_feasible_trials_reach_a_target() -> None:
    study = a_study(goals=BOUND, stopping=StoppingRules(target_value=0.5))
    assert not _reached(study, _result(loss=0.1, ms=60.0))
    assert _reached(study, _result(loss=0.1, ms=60.0), _result(loss=0.4, ms=40.0))


def test_a_target_by_objective_is_reached_by_one_trial() -> None:
    apart = [_result(loss=0.1, speed=0.5), _result(loss=0.9, speed=3.0)]
    study = a_study(goals=BOTH, stopping=StoppingRules(target_values={"loss": 0.2, "speed": 2.0}))
    assert not _reached(study, *apart)
    assert _reached(study, *apart, _result(loss=0.2, speed=2.0))
    assert _reached(a_study(goals=BOTH, stopping=StoppingRules(target_values={"speed": 2.0})), *apart)


@pytest.mark.parametrize(("target", "reached"), [(0.7, True), (0.71, False)])
def test_a_target_of_several_objectives_is_a_hypervolume(target: float, reached: bool) -> None:
    apart = [_result(loss=0.1, speed=0.5), _result(loss=0.9, speed=3.0)]  # 0.9 · 0.5 + 0.1 · 2.5
    study = a_study(goals=BOTH, stopping=StoppingRules(target_value=target))
    assert _reached(study, *apart) is reached


def test_a_relative_constraint_has_no_say_before_its_baseline() -> None:
    goals = Goals(objectives=(ALONE,), outcome_constraints=(AT_LEAST,))
    poor = _result(loss=0.1, accuracy=0.5)
    assert goals.is_relative
    assert goals.violation(poor) == 0.0
    settled = goals.relative_to({"accuracy": Metric(value=0.8)})
    assert not settled.is_relative
    assert settled.outcome_constraints[0].limit == pytest.approx(0.72)
    assert settled.violation(poor) == pytest.approx(0.22 / 0.72)
    assert settled.metrics == goals.metrics == ("loss", "accuracy")


def test_a_success_must_have_the_constrained_metric() -> None:
    with pytest.raises(InvalidArgument, match="constrained metric 'ms'") as caught:
        BOUND.require(_result(loss=0.1), field="metrics")
    assert caught.value.reason is ErrorReason.MISSING_OBJECTIVE


@pytest.mark.parametrize(
    ("goals", "field", "words"),
    [
        (Goals(objectives=()), "objectives", "must hold 1 to 6"),
        (
            Goals(objectives=tuple(Objective(metric=f"m{place}", goal=Goal.MINIMIZE) for place in range(7))),
            "objectives",
            "must hold 1 to 6",
        ),
        (Goals(objectives=(ALONE, ALONE)), "objectives[1].metric", "again"),
        (Goals(objectives=(LOSS,)), "objectives[0].reference_value", "must be unset with one objective"),
        (
            Goals(objectives=(ALONE, Objective(metric="s", goal=Goal.MINIMIZE, reference=float("nan")))),
            "objectives[1].reference_value",
            "must be finite",
        ),
        (
            Goals(
                objectives=(ALONE,),
                outcome_constraints=(OutcomeConstraint(metric="ms", max=1.0, split=Split.TEST),),
            ),
            "outcome_constraints[0].split",
            "must not be the test split",
        ),
        (
            Goals(objectives=(ALONE,), outcome_constraints=(AT_MOST, AT_MOST)),
            "outcome_constraints[1]",
            "must not repeat a bound",
        ),
        (
            Goals(objectives=(ALONE,), outcome_constraints=(AT_MOST, OutcomeConstraint(metric="ms", min=60.0))),
            "outcome_constraints[1]",
            "leaves nothing",
        ),
        (
            Goals(objectives=(ALONE,), outcome_constraints=(OutcomeConstraint(metric="ms", min=float("inf")),)),
            "outcome_constraints[0].min",
            "must be finite",
        ),
    ],
)
def test_goals_that_mean_nothing_are_refused(goals: Goals, field: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words) as caught:
        validate_goals(goals, "study")
    assert caught.value.metadata["field"] == f"study.{field}"


@pytest.mark.parametrize(
    ("goals", "value", "values", "field", "words"),
    [
        (BOTH, 0.5, {"loss": 0.1}, "stopping_rules.target_values", "must be unset"),
        (BOTH, -1.0, {}, "stopping_rules.target_value", "must be above 0"),
        (BOTH, None, {"los": 0.1}, "stopping_rules.target_values[los]", "must be an objective: loss, speed"),
        (
            Goals(objectives=(LOSS, Objective(metric="size", goal=Goal.MINIMIZE))),
            0.5,
            {},
            "stopping_rules.target_value",
            "size has none",
        ),
        (
            Goals(objectives=(ALONE,), outcome_constraints=(OutcomeConstraint(metric="loss", min=0.5),)),
            0.3,
            {},
            "outcome_constraints[0]",
            "contradicts the target 0.3",
        ),
    ],
)
def test_targets_that_cannot_be_reached_are_refused(
    goals: Goals, value: float | None, values: dict[str, float], field: str, words: str
) -> None:
    with pytest.raises(InvalidArgument, match=words) as caught:
        validate_targets(goals, value, values, "study")
    assert caught.value.metadata["field"] == f"study.{field}"


def test_a_run_without_gain_is_counted_without_comparing_all_results(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def dominates(first: Rank, second: Rank) -> bool:
        nonlocal compared
        compared += 1
        return real(first, second)

    real = pareto.dominates
    monkeypatch.setattr(pareto, "dominates", dominates)
    order = ParetoOrder([None, None])
    known = {number: Standing((0.0, float(number), float(-min(number, 9))), False, number) for number in range(1000)}
    order.extend(known)
    assert order.run_without_gain == 990
    order.remove(5)
    assert order.run_without_gain == 990
    assert compared == 0
