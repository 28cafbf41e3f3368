"""Which values may be fixed, and how many configurations have them; which parameters may be context."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from asktell_server.domain.derived import DerivedParameter
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.fixing import context_of, fixed_values
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.priors import WeightsPrior
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Condition,
    FloatDomain,
    IntDomain,
    Parameter,
    SearchSpace,
)

DATA = Parameter(name="data", domain=CategoricalDomain(values=("a", "b")), context=True)
N = Parameter(name="n", domain=IntDomain(min=0, max=9))


def _when(name: str, parent: str, value: str | bool, *, context: bool = False) -> Parameter:
    condition = Condition(parent=parent, values=(value,))
    return Parameter(name=name, domain=BoolDomain(), condition=condition, context=context)


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ((DATA,), "s.parameters", "no context"),
        ((dataclasses.replace(DATA, default="a"), N), "s.parameters[0].default_value", "every ask states its value"),
        (
            (dataclasses.replace(DATA, prior=WeightsPrior(weights=(1.0, 2.0))), N),
            "s.parameters[0].prior",
            "never chooses",
        ),
        (
            (Parameter(name="opt", domain=BoolDomain()), _when("c", "opt", True, context=True)),
            "s.parameters[1].condition.parent",
            "must be a context parameter",
        ),
    ],
)
def test_what_cannot_be_context(parameters: tuple[Parameter, ...], field: str, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        SearchSpace(parameters=parameters).validate("s")
    assert caught.value.field == field


def test_a_context_beneath_another_is_stated_where_it_exists() -> None:
    space = SearchSpace(parameters=(_when("language", "data", "b", context=True), DATA, N))
    space.validate("space")
    assert fixed_values(space, {"data": "a"}, field="f") == {"data": "a"}
    with pytest.raises(InvalidArgument, match="is missing") as caught:
        fixed_values(space, {"data": "b"}, field="f")
    assert caught.value.field == "f[language]"
    fixed = fixed_values(space, {"n": 3, "data": "b", "language": False}, field="f")
    assert list(fixed.items()) == [("language", False), ("data", "b"), ("n", 3)]
    assert context_of(space, fixed) == {"language": False, "data": "b"}


def test_fixed_values_keep_constraints_together() -> None:
    pair = SearchSpace(
        parameters=(N, dataclasses.replace(N, name="m")),
        parameter_constraints=(read_constraint("n + m <= 9", field="c"),),
    )
    pair.validate("space")
    for n, m in itertools.product(range(10), repeat=2):
        assert pair.count({"n": n}) == 10 - n
        assert pair.count({"n": n, "m": m}) == int(n + m <= 9)
    assert fixed_values(pair, {"n": 9}, field="f") == {"n": 9}
    with pytest.raises(InvalidArgument, match="no configuration with n=9, m=1 keeps") as caught:
        fixed_values(pair, {"n": 9, "m": 1}, field="f")
    assert caught.value.field == "f"


def test_what_is_derived_cannot_be_fixed() -> None:
    space = SearchSpace(parameters=(N,), derived=(DerivedParameter(name="twice", expression="2 * n"),))
    with pytest.raises(InvalidArgument, match="is derived from other parameters"):
        fixed_values(space, {"twice": 4}, field="f")


def test_a_continuum_that_a_fixed_parent_leaves_out_is_not_counted() -> None:
    momentum = Parameter(
        name="m", domain=FloatDomain(min=0.0, max=1.0), condition=Condition(parent="sgd", values=(True,))
    )
    space = SearchSpace(parameters=(Parameter(name="sgd", domain=BoolDomain()), momentum, N))
    assert space.cardinality is None
    assert space.count({"sgd": False}) == 10
    assert space.count({"sgd": True}) is None
    assert space.count({"sgd": True, "m": 0.5}) == 10
