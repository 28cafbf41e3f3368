"""What is found in studies that have exactly one thing to be found, and in a healthy one."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from asktell_server.domain.algorithm import Grid
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective, OutcomeConstraint, Split, TrackedMetric
from asktell_server.domain.parameter import Fidelity
from asktell_server.domain.space import Configuration, FloatDomain, IntDomain, Parameter, Scale, SearchSpace
from asktell_server.domain.study import StoppingRules, StudyState
from asktell_server.domain.trial import Result, TrialState
from asktell_server.service.health.checking import findings_of
from asktell_server.service.health.coverage import best_at_border
from asktell_server.service.health.evidence import Beliefs, Effect, Interaction, Optimum
from asktell_server.service.health.finding import MOST_TRIALS, HealthKind, Severity
from asktell_server.service.health.overfitting import overfitting_to_validation
from tests.unit.service.health.studies import SPACE, bowl, configuration, evidence, the_finding, trials

BELIEVED = Beliefs(
    rank_correlation=0.9,
    result_count=40,
    effects=[
        Effect(parameter=name, total=share, deviation=0.01)
        for name, share in (("lr", 0.8), ("momentum", 0.3), ("optimizer", 0.05))
    ],
    interactions=[Interaction(parameters=("lr", "momentum"), share=0.05, deviation=0.01)],
    gains={1: 0.05, 10: 0.2, 100: 0.3},
)


def failing(reason: str = "out of memory") -> Result:
    """A failed result."""
    return Result(state=TrialState.FAILED, reason=reason)


def test_a_healthy_study_has_no_findings() -> None:
    assert findings_of(evidence(trials(), beliefs=BELIEVED, stopping=StoppingRules(max_trials=60))) == []
    assert findings_of(evidence([])) == []
    assert findings_of(evidence(trials(2))) == []


def test_budget_too_small_for_the_space_and_for_the_grid() -> None:
    found = the_finding(evidence(trials(3), stopping=StoppingRules(max_trials=5)))
    assert (found.kind, found.severity) == (HealthKind.BUDGET_TOO_SMALL, Severity.WARNING)
    assert "5 trials are few for 3 parameters" in found.message
    assert "max_trials" in found.advice
    grid = the_finding(evidence(trials(3), algorithm=Grid(), stopping=StoppingRules(max_trials=20)))
    assert "the grid has 75 points and the budget is 20 trials" in grid.message


def test_budget_too_small_for_what_is_to_be_gained() -> None:
    hopeful = dataclasses.replace(BELIEVED, gains={10: 0.5})
    found = the_finding(evidence(trials(), beliefs=hopeful, stopping=StoppingRules(max_trials=45)))
    assert found.kind is HealthKind.BUDGET_TOO_SMALL
    assert "40 of 45 trials have ended, and another 10 are expected to better loss by 0.5" in found.message
    assert found.advice == "raise max_trials, now 45"


def test_little_to_gain() -> None:
    hopeless = dataclasses.replace(BELIEVED, gains={10: 1e-4})
    found = the_finding(evidence(trials(), beliefs=hopeless))
    assert (found.kind, found.severity) == (HealthKind.LITTLE_TO_GAIN, Severity.INFO)
    assert "another 10 trials are expected to better loss by 0.0001" in found.message
    assert "min_expected_gain" in found.advice
    assert not findings_of(evidence(trials(), beliefs=hopeless, state=StudyState.FINISHED)), "it has ended already"


@pytest.mark.parametrize(("failed", "severity"), [(10, Severity.WARNING), (24, Severity.ERROR)])
def test_many_failures_with_the_reason_that_comes_most_often(failed: int, severity: Severity) -> None:
    outcomes = iter([*["out of memory\nTraceback"] * (failed - 1), "no data", *[""] * (40 - failed)])

    def result(parameters: Configuration) -> Result | float:
        reason = next(outcomes)
        return failing(reason) if reason else bowl(parameters)

    # In no order that a parameter knows of.
    order = np.random.default_rng(3).permutation(40).tolist()
    found = the_finding(evidence(trials(result=result, at=lambda index: configuration(order[index]))))
    assert (found.kind, found.severity) == (HealthKind.MANY_FAILURES, severity)
    assert f"{failed} of 40 trials failed" in found.message
    assert f"most often ({failed - 1} times): out of memory" in found.message
    assert len(found.trials) == min(failed, MOST_TRIALS)


def test_failures_that_cluster_are_told_by_their_region() -> None:
    def result(parameters: Configuration) -> Result | float:
        dies = float(parameters["lr"]) > 10**-2 and parameters["optimizer"] != "adam"
        return failing() if dies and float(parameters["momentum"]) > 0.05 else bowl(parameters)

    (found,) = (
        each for each in findings_of(evidence(trials(120, result=result))) if each.kind is HealthKind.FAILURES_CLUSTER
    )
    assert found.severity is Severity.WARNING
    assert "lr" in found.parameters
    assert "lr >= 0.01" in found.message
    assert found.message.endswith("others")
    assert found.trials == tuple(sorted(found.trials))
    assert "keep out of lr >= 0.01" in found.advice


def test_failures_of_one_category_and_failures_by_chance() -> None:
    lion = evidence(
        trials(
            60,
            result=lambda one: failing() if one["optimizer"] == "lion" and float(one["momentum"]) < 0.5 else bowl(one),
        )
    )
    kinds = {each.kind: each for each in findings_of(lion)}
    assert "optimizer = lion" in kinds[HealthKind.FAILURES_CLUSTER].message
    assert set(kinds[HealthKind.FAILURES_CLUSTER].parameters) == {"optimizer", "momentum"}
    for seed in range(20):
        luck = np.random.default_rng(seed)
        by_chance = evidence(trials(100, result=lambda one, luck=luck: failing() if luck.random() < 0.1 else bowl(one)))  # type: ignore[misc]
        assert HealthKind.FAILURES_CLUSTER not in {each.kind for each in findings_of(by_chance)}


def test_nothing_feasible_names_the_closest_and_what_it_misses() -> None:
    goals = Goals(
        objectives=(Objective(metric="loss", goal=Goal.MINIMIZE),),
        outcome_constraints=(
            OutcomeConstraint(metric="memory", max=16.0),
            OutcomeConstraint(metric="accuracy", min=0.5),
        ),
    )
    ended = trials(12, further=lambda index, _: {"memory": 17.0 + index, "accuracy": 0.9})
    found = the_finding(evidence(ended, goals=goals))
    assert (found.kind, found.severity, found.trials) == (HealthKind.NOTHING_FEASIBLE, Severity.WARNING, (1,))
    assert "none of 12 results keeps the outcome constraints" in found.message
    assert "memory 17 where at most 16 is allowed" in found.message
    assert found.metrics == ("memory",)
    hopeless = the_finding(evidence(trials(20, further=lambda *_: {"memory": 17.0, "accuracy": 0.1}), goals=goals))
    assert hopeless.severity is Severity.ERROR
    assert set(hopeless.metrics) == {"memory", "accuracy"}


def test_duplicates_beyond_the_replicates_that_are_wanted() -> None:
    ended = trials(30, at=lambda index: configuration(index % 15))
    found = the_finding(evidence(ended))
    assert (found.kind, found.trials) == (HealthKind.DUPLICATES, tuple(range(16, 31))[:MOST_TRIALS])
    assert "15 of 30 trials repeat a configuration, or nearly: 15 different ones" in found.message
    assert findings_of(evidence(ended, replicates=2)) == []
    near = trials(30, at=lambda index: {**configuration(index % 15), "momentum": 0.4 + 1e-5 * index})
    assert the_finding(evidence(near)).kind is HealthKind.DUPLICATES


def test_the_best_at_a_border_and_how_far_to_widen() -> None:
    def falling(parameters: Configuration) -> float:
        return -math.log10(float(parameters["lr"])) + (float(parameters["momentum"]) - 0.5) ** 2

    def at(index: int) -> Configuration:
        return {**configuration(index), "lr": 10 ** (-5 + 4 * min(1.0, index / 36))}

    known = evidence(trials(40, at=at, result=falling))
    found = the_finding(known)
    assert (found.kind, found.parameters) == (HealthKind.BEST_AT_BORDER, ("lr",))
    assert "lr = 0.1, at the max of its range (0.1)" in found.message
    assert "max 1 instead of 0.1" in found.advice, "a decade at most"
    idle = dataclasses.replace(BELIEVED, effects=[Effect(parameter="lr", total=0.001, deviation=0.0)])
    assert list(best_at_border(dataclasses.replace(known, beliefs=idle))) == [], "it makes no difference"


def test_the_fidelity_is_nobodys_choice_and_only_whole_trials_compare() -> None:
    epochs = Parameter(name="epochs", domain=IntDomain(min=2, max=50), fidelity=Fidelity())
    space = SearchSpace(parameters=(*SPACE.parameters, epochs))

    def at(index: int) -> Configuration:
        return {**configuration(index), "epochs": 50 if index % 2 else 2}

    known = evidence(trials(40, at=at, result=lambda one: bowl(one) - 10 / float(one["epochs"])), space=space)
    assert findings_of(known) == []
    assert {trial.parameters["epochs"] for _, trial in known.ranked} == {50}


@pytest.mark.parametrize(
    ("domain", "end", "advised"),
    [
        (FloatDomain(min=0.0, max=1.0), 1.0, None),
        (FloatDomain(min=0.0, max=3.0), 0.0, None),
        (FloatDomain(min=0.0, max=3.0), 3.0, "max 4 instead of 3"),
        (FloatDomain(min=-3.0, max=3.0), -3.0, "min -5 instead of -3"),
        (FloatDomain(min=1e-4, max=1e-1, scale=Scale.LOG), 1e-4, "min 1e-05 instead of 0.0001"),
        (FloatDomain(min=0.9, max=0.99, scale=Scale.REVERSE_LOG), 0.9, "min 0.87 instead of 0.9"),
        (IntDomain(min=1, max=12), 1, None),
        (IntDomain(min=2, max=11), 11, "max 14 instead of 11"),
        (IntDomain(min=10, max=12), 12, None),
    ],
)
def test_ends_that_can_move(domain: FloatDomain | IntDomain, end: float, advised: str | None) -> None:
    space = SearchSpace(parameters=(Parameter(name="p", domain=domain),))
    ended = trials(12, at=lambda _: {"p": end}, result=lambda _: 0.0)
    advice = [each.advice for each in best_at_border(evidence(ended, space=space))]
    if advised is None:
        assert advice == []
    else:
        assert len(advice) == 1
        assert advised in advice[0]


def test_overfitting_to_validation() -> None:
    luck = np.random.default_rng(0)
    noise = luck.normal(size=60)

    def validation(index: int) -> float:
        return 1.0 + 0.02 * float(noise[index])

    ended = trials(
        60,
        result=lambda one: validation(next(place for place in range(60) if configuration(place) == one)),
        further=lambda index, _: {"test_loss": 1.01 + 0.001 * float(luck.normal())},
    )
    found = the_finding(evidence(ended))
    assert (found.kind, found.metrics) == (HealthKind.OVERFITTING_TO_VALIDATION, ("loss", "test_loss"))
    assert "among the better half their ranks correlate by" in found.message
    assert "validation" in found.advice


@pytest.mark.parametrize("gap", [0.0, 0.3])
def test_a_test_loss_that_follows_the_validation_loss_is_no_overfitting(gap: float) -> None:
    luck = np.random.default_rng(1)
    ended = trials(60, further=lambda index, one: {"test_loss": bowl(one) + gap + 0.01 * float(luck.normal())})
    assert findings_of(evidence(ended)) == []


def test_test_metrics_of_another_kind_are_not_compared() -> None:
    other = TrackedMetric(metric="test_accuracy", split=Split.TEST)
    ended = trials(60, further=lambda index, _: {"test_accuracy": float(index)})
    assert list(overfitting_to_validation(evidence(ended, tracked_metrics=(other,)))) == []


def test_noise() -> None:
    found = the_finding(evidence(trials(), beliefs=dataclasses.replace(BELIEVED, rank_correlation=0.02)))
    assert (found.kind, found.metrics) == (HealthKind.NOISE, ("loss",))
    assert "rank correlation of 0.02" in found.message
    few = dataclasses.replace(BELIEVED, rank_correlation=0.02, result_count=19)
    assert findings_of(evidence(trials(19), beliefs=few)) == [], "too few to tell"


def test_a_parameter_without_effect_is_fixed_where_the_best_trial_has_it() -> None:
    effects = [*BELIEVED.effects[:1], Effect(parameter="momentum", total=0.001, deviation=0.002), *BELIEVED.effects[2:]]
    known = evidence(trials(), beliefs=dataclasses.replace(BELIEVED, effects=effects))
    found = the_finding(known)
    assert (found.kind, found.parameters) == (HealthKind.PARAMETER_WITHOUT_EFFECT, ("momentum",))
    assert known.best is not None
    assert f"fix momentum at {known.best.parameters['momentum']:.4g}" in found.advice
    unsure = [*effects[:1], Effect(parameter="momentum", total=0.001, deviation=0.01), *effects[2:]]
    assert findings_of(evidence(trials(), beliefs=dataclasses.replace(BELIEVED, effects=unsure))) == []


def test_a_strong_interaction() -> None:
    strong = [Interaction(parameters=("lr", "momentum"), share=0.4, deviation=0.05)]
    found = the_finding(evidence(trials(), beliefs=dataclasses.replace(BELIEVED, interactions=strong)))
    assert (found.kind, found.parameters) == (HealthKind.STRONG_INTERACTION, ("lr", "momentum"))
    assert "one at a time" in found.advice
    doubtful = dataclasses.replace(BELIEVED, interactions=strong, rank_correlation=0.6)
    assert findings_of(evidence(trials(), beliefs=doubtful)) == [], "a model that foretells little is not believed"


@pytest.mark.parametrize("goal", list(Goal))
def test_a_grid_that_misses_the_region(goal: Goal) -> None:
    goals = Goals(objectives=(Objective(metric="loss", goal=goal),))
    ended = trials(result=lambda one: goal.cost(bowl(one)))
    at = {**configuration(0), "lr": 3e-4}
    better = Optimum(parameters=at, mean=goal.cost(-1.0), deviation=0.1, best_mean=goal.cost(0.0))
    found = the_finding(
        evidence(ended, goals=goals, algorithm=Grid(), beliefs=dataclasses.replace(BELIEVED, gains={}, optimum=better))
    )
    assert found.kind is HealthKind.GRID_MISSES_REGION
    assert "lr = 0.0003" in found.message
    assert "lr" in found.parameters
    assert "algorithm auto" in found.advice
    unsure = dataclasses.replace(BELIEVED, gains={}, optimum=dataclasses.replace(better, deviation=0.6))
    assert findings_of(evidence(ended, goals=goals, algorithm=Grid(), beliefs=unsure)) == []


def test_the_most_severe_comes_first() -> None:
    outcomes = iter([True] * 30 + [False] * 10)
    ended = trials(result=lambda one: failing() if next(outcomes) else bowl(one))
    known = evidence(
        ended, beliefs=dataclasses.replace(BELIEVED, gains={10: 0.0}), stopping=StoppingRules(max_trials=8)
    )
    assert [each.severity for each in findings_of(known)] == sorted(
        (each.severity for each in findings_of(known)), reverse=True
    )
    assert findings_of(known)[0].kind is HealthKind.MANY_FAILURES
