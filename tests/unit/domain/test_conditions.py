"""Conditional parameters: which configurations there are, and what is refused."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given

from asktell_server.domain.algorithm import Grid
from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Condition,
    Configuration,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    SearchSpace,
)
from tests.support.strategies import conditional_spaces

OPT = CategoricalDomain(values=("sgd", "adam"))
UNIT = FloatDomain(min=0.0, max=1.0)


def _parameter(name: str, domain: Domain, *, default: ParameterValue | None = None, **when: object) -> Parameter:
    condition = None
    for parent, values in when.items():
        assert isinstance(values, tuple)
        condition = Condition(parent=parent, values=values)
    return Parameter(name=name, domain=domain, default=default, condition=condition)


# A child before its parent, and a grandchild.
NETWORK = SearchSpace(
    parameters=(
        _parameter("nesterov", BoolDomain(), opt=("sgd",)),
        _parameter("opt", OPT, default="adam", train=(True,)),
        _parameter("train", BoolDomain(), default=True),
        _parameter("beta", DiscreteDomain(values=(0.9, 0.99, 0.999)), default=0.9, opt=("adam",)),
        _parameter("layers", IntDomain(min=1, max=2)),
    )
)


def _everything(space: SearchSpace) -> Iterator[Configuration]:
    """All configurations, the slow way: every subset of values that the space accepts."""
    axes = [[None, *parameter.domain.levels()] for parameter in space.parameters]
    for values in itertools.product(*axes):
        one = {name: value for name, value in zip(space.names, values, strict=True) if value is not None}
        with contextlib.suppress(InvalidArgument):
            yield space.normalize(one, field="p")


def test_a_known_count() -> None:
    NETWORK.validate("space")
    assert NETWORK.cardinality == 2 * (1 + 2 + 3)  # layers x (no training, sgd with nesterov or not, adam with a beta)
    assert Grid().size(NETWORK) == 12


@given(space=conditional_spaces(finite_only=True))
def test_the_count_is_that_of_a_list(space: SearchSpace) -> None:
    everything = list(_everything(space))
    assert space.cardinality == len(everything) == len({space.key(one) for one in everything})
    for one in everything:
        assert space.normalize(one, field="parameters") == one
        assert space.configuration(space.key(one)) == one


def test_a_count_far_beyond_a_list() -> None:
    huge = IntDomain(min=0, max=10**12)
    conditions = [None, *(Condition(parent=f"p{place}", values=(7,)) for place in range(4))]
    space = SearchSpace(
        parameters=tuple(
            Parameter(name=f"p{place}", domain=huge, condition=condition) for place, condition in enumerate(conditions)
        )
    )
    space.validate("space")
    assert space.cardinality == 5 * 10**12 + 1


def test_defaults_are_filled_in_for_what_is_active() -> None:
    filled = NETWORK.normalize({"layers": 1}, field="p", fill_defaults=True)
    assert filled == {"opt": "adam", "train": True, "beta": 0.9, "layers": 1}
    assert list(filled) == ["opt", "train", "beta", "layers"]  # the order of the space
    assert NETWORK.normalize({"layers": 1, "train": False}, field="p", fill_defaults=True) == {
        "train": False,
        "layers": 1,
    }


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        (
            {"train": True, "opt": "adam", "beta": 0.9, "layers": 1, "nesterov": True},
            "p[nesterov]: is not active: opt is adam",
        ),
        ({"train": False, "layers": 1, "nesterov": True}, "p[nesterov]: is not active: train is false"),
        ({"train": False, "layers": 1, "opt": "sgd"}, "p[opt]: is not active: train is false"),
        ({"train": True, "opt": "sgd", "layers": 1}, "p[nesterov]: is missing; it exists where opt is sgd"),
        ({"train": True, "opt": "sgd", "nesterov": True}, "p[layers]: is missing"),
    ],
)
def test_refused_configurations(configuration: Configuration, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        NETWORK.normalize(configuration, field="p")
    assert str(caught.value) == message
    assert caught.value.reason is ErrorReason.VALUE_OUTSIDE_SPACE


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ([_parameter("a", UNIT, b=("x",))], "[0].condition.parent", "the space has no parameter 'b'"),
        ([_parameter("a", BoolDomain(), a=(True,))], "[0].condition.parent", "must be another parameter"),
        (
            [_parameter("a", BoolDomain(), b=(True,)), _parameter("b", BoolDomain(), a=(True,))],
            "[0].condition.parent",
            "must not lead back to 'a': a → b → a",
        ),
        ([_parameter("a", UNIT), _parameter("b", UNIT, a=(0.5,))], "[1].condition.parent", "a float without a step"),
        (
            [_parameter("a", OPT), _parameter("b", UNIT, a=())],
            "[1].condition.values",
            "must hold 1 to 1000 values of 'a'",
        ),
        (
            [_parameter("b", UNIT, a=("sdg",)), _parameter("a", OPT)],
            "[0].condition.values[0]",
            "'sgd', 'adam', got 'sdg'",
        ),
        ([_parameter("a", OPT), _parameter("b", UNIT, a=("sgd", "sgd"))], "[1].condition.values[1]", "got 'sgd' again"),
        (
            [_parameter("a", BoolDomain()), _parameter("b", UNIT, a=(1,))],
            "[1].condition.values[0]",
            "must be true or false",
        ),
    ],
)
def test_refused_conditions(parameters: list[Parameter], field: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        SearchSpace(parameters=tuple(parameters)).validate("space")
    assert caught.value.metadata["field"] == f"space.parameters{field}"
    assert message in str(caught.value)


def test_a_grid_has_all_values_of_a_parent() -> None:
    space = SearchSpace(
        parameters=(
            _parameter("n", IntDomain(min=1, max=50)),
            _parameter("x", UNIT, n=(3,)),
            _parameter("y", UNIT, n=(50,)),
        )
    )
    assert Grid(default_levels=5).size(space) == 48 + 5 + 5
    Grid(levels={"x": 4}).validate(space, "grid")
    with pytest.raises(
        InvalidArgument, match="must be 50: a grid takes all values of a parameter on which others depend"
    ):
        Grid(levels={"n": 5}).validate(space, "grid")
    with pytest.raises(InvalidArgument, match="has 1,000,048 points") as caught:
        Grid(levels={"x": 999, "y": 1000}, default_levels=1000).validate(
            SearchSpace(parameters=(*space.parameters, _parameter("z", UNIT, n=(3,)))), "grid"
        )
    assert caught.value.reason is ErrorReason.GRID_TOO_LARGE
