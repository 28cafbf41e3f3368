"""Linear constraints beside priors and beside contexts: each is kept, and none makes the other say less than it can."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from asktell_server.domain.algorithm import Algorithm, Bayesian, Grid, Random, Sobol
from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.fixing import fixed_values, has_values
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.space import (
    CategoricalDomain,
    Configuration,
    FloatDomain,
    IntDomain,
    NormalPrior,
    Parameter,
    SearchSpace,
    WeightsPrior,
)
from asktell_server.domain.trial import Origin
from asktell_server.engine.history import History
from tests.unit.engine.problems import problem_of, task_of, valued

UNIT = FloatDomain(min=0.0, max=1.0)
ALGORITHMS: Sequence[Algorithm] = [Random(), Sobol(), Grid(default_levels=4), Bayesian(start_trials=3)]


def _space(parameters: Sequence[Parameter], *constraints: str) -> SearchSpace:
    space = SearchSpace(
        parameters=tuple(parameters),
        parameter_constraints=tuple(read_constraint(text, field="constraint") for text in constraints),
    )
    space.validate("space")
    return space


def _near(mean: float) -> NormalPrior:
    return NormalPrior(mean=mean, relative_standard_deviation=0.1)


def _numbers(configuration: Configuration, *names: str) -> list[float]:
    return [float(configuration[name]) for name in names]


OPPOSED = _space(
    [
        Parameter(name="a", domain=UNIT, prior=_near(0.9)),
        Parameter(name="b", domain=UNIT, prior=_near(0.9)),
        Parameter(name="c", domain=CategoricalDomain(values=("x", "y")), prior=WeightsPrior(weights=(3.0, 1.0))),
    ],
    "a + b <= 1",
)
"""What the priors hold for best breaks the constraint."""
AGREED = _space(
    [Parameter(name="a", domain=UNIT, prior=_near(0.2)), Parameter(name="b", domain=UNIT, prior=_near(0.3))],
    "a + b <= 1",
)


def test_the_first_trial_is_what_the_priors_hold_for_best_where_the_constraints_allow_it() -> None:
    (first,) = task_of(problem_of(AGREED)).run().suggestions
    assert _numbers(first.parameters, "a", "b") == pytest.approx([0.2, 0.3])
    (moved,) = task_of(problem_of(OPPOSED)).run().suggestions
    a, b = _numbers(moved.parameters, "a", "b")
    assert 0.9 < a + b <= 1.0, "moved no further than the bound asks for"
    assert moved.parameters["c"] == "x"


@pytest.mark.parametrize("space", [OPPOSED, AGREED], ids=["opposed", "agreed"])
def test_a_start_ends_and_keeps_the_constraints_whatever_the_priors_say(space: SearchSpace) -> None:
    """Of 100 million draws from the opposed priors one keeps the constraint: the start goes on without them."""
    problem = problem_of(space, algorithm=Bayesian(start_trials=24))
    drawn = [each.parameters for each in task_of(problem, count=24).run().suggestions]
    assert len({space.key(each) for each in drawn}) == 24
    for each in drawn:
        assert space.normalize(each, field="p") == each
    one_by_one = History(space)
    for number in range(8):
        (suggestion,) = task_of(problem, one_by_one, count=1).run().suggestions
        assert suggestion.parameters == drawn[number], "as when they are asked for together"
        one_by_one.append(valued(suggestion.parameters, 1.0))


def test_a_start_follows_priors_that_the_constraints_allow() -> None:
    problem = problem_of(AGREED, algorithm=Bayesian(start_trials=24))
    drawn = np.array([_numbers(each.parameters, "a", "b") for each in task_of(problem, count=24).run().suggestions])
    distances = np.abs(drawn - [0.2, 0.3]).max(axis=1)
    assert distances[:7].max() < 0.3, "the centre and a quarter of the start"
    assert distances[7:].max() > 0.5


@pytest.mark.parametrize("space", [OPPOSED, AGREED], ids=["opposed", "agreed"])
def test_the_model_heeds_priors_within_the_constraints(space: SearchSpace) -> None:
    problem = problem_of(space, algorithm=Bayesian(start_trials=4))
    history = History(space)
    origins = []
    for turn in range(8):
        result = task_of(problem, history, count=1, seed=turn).run()
        assert not result.fallback_reason
        (suggestion,) = result.suggestions
        assert space.normalize(suggestion.parameters, field="p") == suggestion.parameters
        a, b = _numbers(suggestion.parameters, "a", "b")
        history.append(valued(suggestion.parameters, (a - 0.4) ** 2 + (b - 0.5) ** 2))
        origins.append(suggestion.origin)
    assert origins == [Origin.START] * 4 + [Origin.MODEL] * 4


CONTEXT = _space(
    [
        Parameter(name="memory", domain=IntDomain(min=4, max=64), context=True),
        Parameter(name="data", domain=CategoricalDomain(values=("a", "b")), context=True),
        Parameter(name="batch", domain=IntDomain(min=1, max=32)),
        Parameter(name="width", domain=IntDomain(min=1, max=16)),
        Parameter(name="x", domain=UNIT),
    ],
    "batch + 2*width <= memory",
    "batch >= 2",
)
"""How large a configuration may be is said by the context."""


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: a.kind)
def test_a_context_says_what_the_constraints_leave(algorithm: Algorithm) -> None:
    problem = problem_of(CONTEXT, algorithm=algorithm)
    history, seen = History(CONTEXT), set()
    for turn, memory in enumerate((4, 64, 9, 4, 20)):
        fixed = fixed_values(CONTEXT, {"memory": memory, "data": "ab"[turn % 2]}, field="fixed")
        result = task_of(problem, history, count=2, seed=turn, fixed=fixed).run()
        assert not result.fallback_reason
        if not isinstance(algorithm, Grid):  # of a grid little may be left in a small context
            assert len(result.suggestions) == 2
        for suggestion in result.suggestions:
            assert CONTEXT.normalize(suggestion.parameters, field="p") == suggestion.parameters
            assert has_values(suggestion.parameters, fixed)
            batch, width = _numbers(suggestion.parameters, "batch", "width")
            assert batch >= 2
            assert batch + 2 * width <= memory
            seen.add(CONTEXT.key(suggestion.parameters))
            history.append(valued(suggestion.parameters, batch + width))
    assert len(seen) == len(history)


def test_the_whole_room_of_a_context_is_used() -> None:
    """In the smallest one there is a single pair; in the largest ones more is reached than in the others."""
    problem = problem_of(CONTEXT, algorithm=Random())
    sizes = {}
    for memory in (4, 12, 64):
        fixed = fixed_values(CONTEXT, {"memory": memory, "data": "a"}, field="fixed")
        drawn = [each.parameters for each in task_of(problem, count=60, fixed=fixed).run().suggestions]
        sizes[memory] = {(each["batch"], each["width"]) for each in drawn}
    assert sizes[4] == {(2, 1)}
    assert max(sum(_numbers({"b": b, "w": w}, "b", "w")) for b, w in sizes[12]) <= 11
    assert len(sizes[12]) > 8
    assert max(int(batch) for batch, _ in sizes[64]) > 24


def test_a_context_that_leaves_nothing_is_refused() -> None:
    space = _space(
        [
            Parameter(name="memory", domain=IntDomain(min=1, max=8), context=True),
            Parameter(name="batch", domain=IntDomain(min=2, max=8)),
        ],
        "batch <= memory",
    )
    with pytest.raises(InvalidArgument) as refused:
        fixed_values(space, {"memory": 1}, field="fixed_parameters")
    assert (refused.value.field, refused.value.reason) == ("fixed_parameters", ErrorReason.VALUE_OUTSIDE_SPACE)
    assert "memory=1" in str(refused.value)
