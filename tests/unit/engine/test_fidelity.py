"""Spaces with a fidelity: what is promoted, where new configurations begin, and which samplers do so."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from asktell_server.domain.algorithm import Algorithm, Bayesian, Grid, Random, Sobol
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint
from asktell_server.domain.space import (
    CategoricalDomain,
    Configuration,
    Fidelity,
    FloatDomain,
    IntDomain,
    Parameter,
    SearchSpace,
)
from asktell_server.domain.trial import Origin
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Suggestion
from asktell_server.engine.promotions import Courses, best_of_highest
from asktell_server.engine.samplers.levels import first_level
from asktell_server.engine.tasks.assess import AssessTask
from asktell_server.engine.tasks.suggest import SuggestTask
from tests.unit.engine.problems import problem_of, valued

EPOCHS = Parameter(name="epochs", domain=IntDomain(min=1, max=27), fidelity=Fidelity())
SPACE = SearchSpace(
    parameters=(
        Parameter(name="x", domain=FloatDomain(min=0.0, max=1.0)),
        EPOCHS,
        Parameter(name="y", domain=FloatDomain(min=0.0, max=1.0)),
    )
)
NAMES = SearchSpace(parameters=(Parameter(name="opt", domain=CategoricalDomain(values=("a", "b", "c"))), EPOCHS))


def _at(x: float, epochs: int) -> dict[str, Any]:
    return {"x": x, "epochs": epochs, "y": 0.5}


def _task(
    *observations: Observation, space: SearchSpace = SPACE, goal: Goal = Goal.MINIMIZE, **changes: Any
) -> SuggestTask:
    problem = problem_of(space, algorithm=changes.pop("algorithm", None), goal=goal)
    history = problem.empty_history()
    for observation in observations:
        history.append(observation)
    return SuggestTask(problem=problem, history=history, **changes)


def _promoted(task: SuggestTask) -> list[tuple[float, int, int]]:
    """The x, the epochs, and the place that each goes on from."""
    return [
        (float(one.parameters["x"]), int(one.parameters["epochs"]), one.continues) for one in Courses(task).promotions()
    ]


def _values(*pairs: tuple[float, float], epochs: int = 1) -> list[Observation]:
    return [valued(_at(x, epochs), value) for x, value in pairs]


@pytest.mark.parametrize("goal", list(Goal))
def test_the_best_third_of_a_level_goes_on(goal: Goal) -> None:
    sign = 1.0 if goal is Goal.MINIMIZE else -1.0
    two = _values((0.1, 3.0 * sign), (0.2, 1.0 * sign))
    assert _promoted(_task(*two, goal=goal)) == []
    three = [*two, *_values((0.3, 2.0 * sign))]
    assert _promoted(_task(*three, goal=goal)) == [(0.2, 3, 1)]
    six = [*three, *_values((0.4, 0.5 * sign), (0.5, 9.0 * sign), (0.6, 9.0 * sign))]
    assert _promoted(_task(*six, goal=goal)) == [(0.4, 3, 3), (0.2, 3, 1)]


def test_what_goes_on_or_has_gone_on_is_not_promoted_again() -> None:
    level = _values((0.1, 3.0), (0.2, 1.0), (0.3, 2.0))
    assert _promoted(_task(*level, pending=[_at(0.2, 3)])) == []
    assert _promoted(_task(*level, valued(_at(0.2, 3), 0.5))) == []
    cancelled = Observation(parameters=_at(0.2, 3), outcome=Outcome.UNKNOWN)
    assert _promoted(_task(*level, cancelled)) == []


def test_failures_count_and_do_not_go_on() -> None:
    failed = [Observation(parameters=_at(x, 1), outcome=Outcome.FAILED) for x in (0.7, 0.8, 0.9)]
    assert _promoted(_task(*failed)) == []
    assert _promoted(_task(*failed[:2], *_values((0.1, 5.0)))) == [(0.1, 3, 2)]
    cancelled = Observation(parameters=_at(0.7, 1), outcome=Outcome.UNKNOWN)
    assert _promoted(_task(cancelled, *failed[:1], *_values((0.1, 5.0)))) == []


def test_the_highest_level_comes_first_and_goes_on_from_its_own_trial() -> None:
    low = _values(*((x / 10, float(x)) for x in range(1, 7)))
    middle = _values((0.1, 0.3), (0.2, 0.2), (0.3, 0.1), epochs=3)
    assert _promoted(_task(*low, *middle)) == [(0.3, 9, 8)]
    assert _promoted(_task(*low[:3], *middle[:2])) == []


def test_configurations_that_began_higher_are_compared_with_their_like() -> None:
    low = [*_values((0.1, 9.0), (0.2, 9.0), (0.3, 9.0)), *_values((0.1, 8.0), epochs=3)]
    begun_higher = _values((0.7, 1.0), (0.8, 2.0), epochs=3)
    assert _promoted(_task(*low, *begun_higher)) == []
    assert _promoted(_task(*low, *begun_higher, *_values((0.9, 3.0), epochs=3))) == [(0.7, 9, 4)]


def test_a_fidelity_between_two_levels_belongs_to_the_lower_one() -> None:
    imported = _values((0.1, 3.0), (0.2, 1.0), (0.3, 2.0), epochs=5)
    assert _promoted(_task(*imported)) == [(0.2, 9, 1)]


def test_only_configurations_with_the_fixed_values_are_promoted() -> None:
    level = _values((0.1, 3.0), (0.2, 1.0), (0.3, 2.0))
    assert _promoted(_task(*level, fixed={"x": 0.3})) == []
    assert _promoted(_task(*level, fixed={"y": 0.5})) == [(0.2, 3, 1)]


def test_each_context_has_promotions_of_its_own() -> None:
    data = Parameter(name="data", domain=CategoricalDomain(values=("easy", "hard")), context=True)
    space = SearchSpace(parameters=(*SPACE.parameters, data))
    level = [
        valued({**_at(x, 1), "data": name}, value)
        for name, lowest in (("easy", 0.0), ("hard", 10.0))
        for x, value in ((0.1, lowest + 3), (0.2, lowest + 1), (0.3, lowest + 2))
    ]
    assert _promoted(_task(*level, space=space, fixed={"data": "hard"})) == [(0.2, 3, 4)]


def test_constraints_come_first_and_fronts_stand_for_objectives() -> None:
    two = Goals(
        objectives=(Objective(metric="a", goal=Goal.MINIMIZE), Objective(metric="b", goal=Goal.MAXIMIZE)),
        outcome_constraints=(OutcomeConstraint(metric="c", max=1.0),),
    )
    task = _task()
    problem = dataclasses.replace(task.problem, goals=two)
    history = problem.empty_history()
    for x, (a, b, c) in {
        0.1: (0.0, 9.0, 2.0),
        0.2: (2.0, 5.0, 0.0),
        0.3: (1.0, 4.0, 0.0),
        0.4: (3.0, 4.5, 0.0),
    }.items():
        metrics = (Metric(value=a), Metric(value=b), Metric(value=c))
        history.append(Observation(parameters=_at(x, 1), outcome=Outcome.VALUE, metrics=metrics))
    found = Courses(SuggestTask(problem=problem, history=history)).promotions(all_that_can=True)
    assert [one.parameters["x"] for one in found] == [0.3, 0.2, 0.4, 0.1]
    assert best_of_highest(two, history, 1) == [2, 1]


@pytest.mark.parametrize("algorithm", [Random(), Sobol(), Grid(default_levels=3)], ids=lambda a: a.kind)
def test_samplers_without_a_model_run_the_whole(algorithm: Algorithm) -> None:
    algorithm.validate(SPACE, "algorithm")
    suggestions = _task(algorithm=algorithm, count=9).run().suggestions
    assert len({(one.parameters["x"], one.parameters["y"]) for one in suggestions}) == 9
    assert {one.parameters["epochs"] for one in suggestions} == {27}
    assert list(suggestions[0].parameters) == ["x", "epochs", "y"]
    (fixed,) = _task(algorithm=algorithm, fixed={"epochs": 9}).run().suggestions
    assert fixed.parameters["epochs"] == 9


def _run(space: SearchSpace, trials: int, *, seed: int = 0, pending: int = 0, value: Any = None) -> list[Suggestion]:
    """Runs a study of so many trials, of which the last ones are always pending."""
    problem = problem_of(space, algorithm=Bayesian(start_trials=4))
    history = problem.empty_history()
    found: list[Suggestion] = []
    open_: list[Configuration] = []
    for _ in range(trials):
        task = SuggestTask(problem=problem, history=history.snapshot(), pending=tuple(open_), seed=seed)
        result = task.run()
        assert not result.fallback_reason
        if not result.suggestions:
            break
        (one,) = result.suggestions
        found.append(one)
        open_.append(one.parameters)
        if len(open_) > pending:
            parameters = open_.pop(0)
            history.append(valued(parameters, value(parameters)))
    return found


def test_a_study_begins_low_and_ends_at_the_target() -> None:
    def value(parameters: Configuration) -> float:
        x, y, epochs = (float(parameters[name]) for name in ("x", "y", "epochs"))
        return (x - 0.3) ** 2 + (y - 0.6) ** 2 + 1.0 / epochs

    found = _run(SPACE, 30, pending=2, value=value)
    begun = {(one.parameters["x"], one.parameters["y"]) for one in found if one.origin is not Origin.PROMOTION}
    promoted = [one for one in found if one.origin is Origin.PROMOTION]
    assert len(begun) + len(promoted) == 30, "no configuration begins twice"
    assert {Origin.MODEL, Origin.START} < {one.origin for one in found}
    assert found[0].parameters["epochs"] == 1
    assert any(one.parameters["epochs"] == 27 for one in promoted)
    for one in found:
        assert (one.origin is Origin.MODEL) == (one.prediction is not None)
    at_27 = [one for one in found if one.parameters["epochs"] == 27]
    assert min(value(one.parameters) for one in at_27) < 0.1


def test_a_prediction_is_one_of_what_will_be_run() -> None:
    low = [*_values((0.1, 1.1), (0.4, 1.0), (0.6, 1.05), (0.9, 1.2)), *_values((0.1, 0.11), (0.4, 0.1), epochs=27)]
    others = [valued(_at(x, 9), 0.3 + x / 100) for x in (0.1, 0.4)]
    task = _task(*low, *others, algorithm=Bayesian(start_trials=2), pending=[_at(0.4, 3)])
    (one,) = task.run().suggestions
    assert (one.origin, one.parameters["epochs"]) == (Origin.MODEL, 1)
    assert one.prediction is not None
    assert one.prediction.first_belief.mean > 0.5


def test_a_small_space_is_run_to_its_end_at_the_target() -> None:
    found = _run(NAMES, 100, value=lambda parameters: float(ord(parameters["opt"])) + 1.0 / parameters["epochs"])
    assert len(found) < 100
    assert {one.parameters["opt"] for one in found if one.parameters["epochs"] == 27} == {"a", "b", "c"}
    keys = [NAMES.key(one.parameters) for one in found]
    assert len(set(keys)) == len(keys)


def test_a_fixed_fidelity_is_run_as_it_is_said() -> None:
    level = _values((0.1, 3.0), (0.2, 1.0), (0.3, 2.0))
    task = _task(*level, fixed={"epochs": 9}, algorithm=Bayesian(start_trials=2), count=2)
    suggestions = task.run().suggestions
    assert [(one.origin, one.parameters["epochs"]) for one in suggestions] == [(Origin.MODEL, 9)] * 2


def test_promotions_and_new_ones_come_together() -> None:
    level = _values((0.1, 3.0), (0.2, 1.0), (0.3, 2.0))
    task = _task(*level, count=3)
    assert _task(*level).needs_model() is False, "a promotion takes none"
    result = task.run()
    assert result.suggestions[0].origin is Origin.PROMOTION
    assert len(result.suggestions) == 3
    assert [one.continues for one in result.suggestions] == [1, None, None]
    filling = task.fallback("no worker")
    assert [one.origin for one in filling.suggestions] == [Origin.PROMOTION, Origin.FALLBACK, Origin.FALLBACK]
    assert all(float(one.parameters["epochs"]) < 27 for one in filling.suggestions)


@pytest.mark.parametrize("levels", [1, 2, 5])
def test_most_configurations_begin_low_and_all_levels_are_begun_at(levels: int) -> None:
    begun = [first_level(index, levels=levels, factor=3.0) for index in range(400)]
    counts = [begun.count(level) for level in range(levels)]
    assert counts == sorted(counts, reverse=True)
    assert min(counts) > 0
    assert begun[0] == 0


def test_the_best_by_the_model_is_one_of_the_target() -> None:
    noisy = [valued(_at(x, 27), 1.0 + x, standard_error=0.3) for x in (0.1, 0.5, 0.9)]
    low = _values((0.2, -5.0), (0.4, -6.0), (0.6, -4.0))
    task = _task(*low, *noisy)
    assessment = AssessTask(problem=task.problem, history=task.history).run()
    assert task.history.keys[assessment.best][1] == 27
