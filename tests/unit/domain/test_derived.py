"""Derived parameters: what an expression gives, over which range, and which ones a space refuses."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from asktell_server.domain.arithmetic import Range, range_of, value_of
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.expressions import ExpressionError, parse_expression
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Condition,
    DerivedParameter,
    DiscreteDomain,
    FloatDomain,
    IntDomain,
    Parameter,
    SearchSpace,
)

_PARAMETERS = (
    Parameter(name="batch_size", domain=IntDomain(min=8, max=256)),
    Parameter(name="accumulate", domain=DiscreteDomain(values=(1, 2, 4))),
    Parameter(name="lr", domain=FloatDomain(min=1e-5, max=1.0)),
    Parameter(name="shift", domain=IntDomain(min=-3, max=3)),
    Parameter(name="weight-decay", domain=FloatDomain(min=0.0, max=1.0)),
    Parameter(name="flag", domain=BoolDomain()),
    Parameter(name="opt", domain=CategoricalDomain(values=("sgd", "adam"))),
    Parameter(
        name="momentum", domain=FloatDomain(min=0.0, max=1.0), condition=Condition(parent="opt", values=("sgd",))
    ),
    Parameter(name="beta", domain=FloatDomain(min=0.0, max=1.0), condition=Condition(parent="opt", values=("adam",))),
)
_CONFIGURATION: dict[str, Any] = {
    "batch_size": 64,
    "accumulate": 2,
    "lr": 0.25,
    "shift": -2,
    "weight-decay": 0.5,
    "flag": True,
    "opt": "sgd",
    "momentum": 0.75,
}


def _space(**expressions: str) -> SearchSpace:
    derived = tuple(DerivedParameter(name=name, expression=text) for name, text in expressions.items())
    return SearchSpace(parameters=_PARAMETERS, derived=derived)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("batch_size * accumulate", 128),
        ("batch_size / 2", 32.0),
        ("-batch_size // 3", -22),
        ("shift % 3", 1),
        ("2 ** shift", 0.25),
        ("shift ** 3", -8),
        ("max(shift, 1)", 1),
        ("max(shift, 1.0)", 1.0),
        ("round(lr * 10)", 2),
        ("ceil(log2(batch_size))", 6),
        ("`weight-decay` * lr", 0.125),
        ("flag * 3 + flag", 4),
        ("1 / (shift * shift + 1)", 0.2),
        ("1 - momentum", 0.25),
    ],
)
def test_a_value_is_what_python_gives_and_always_of_the_same_kind(expression: str, value: float) -> None:
    space = _space(d=expression)
    space.validate("s")
    derived = space.derive(_CONFIGURATION)["d"]
    assert (derived, type(derived)) == (value, type(value))


def test_derived_of_derived_in_any_order_and_none_where_a_parameter_does_not_exist() -> None:
    space = _space(per_device="global_batch // 4", global_batch="batch_size * accumulate", damp="1 - momentum")
    space.validate("s")
    assert list(space.derive(_CONFIGURATION).items()) == [("per_device", 32), ("global_batch", 128), ("damp", 0.25)]
    adam = {name: value for name, value in _CONFIGURATION.items() if name != "momentum"} | {"opt": "adam", "beta": 0.5}
    assert "damp" not in space.derive(adam)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("batch_size *", "must stand here, got the end"),
        ("batchsize * 2", "no parameter 'batchsize'; there are"),
        ("weight-decay * 2", "the name of weight-decay must stand in backticks"),
        ("opt * 2", "opt is categorical"),
        ("1 / shift", "divide by zero.*between -3 and 3"),
        ("lr % shift", "divide by zero"),
        ("shift ** -1", "divide by zero"),
        ("shift ** lr", "must be whole"),
        ("log(`weight-decay`)", "logarithm"),
        ("sqrt(shift)", "root"),
        ("exp(batch_size * 10)", "too large for a double"),
        ("9 ** 9 ** 9 ** 9", "too large for a double"),
        ("batch_size ** 20", "within ±2\\^53"),
        ("d + 1", "must not lead back to itself: d → d"),
        ("momentum + beta", "never has a value"),
    ],
)
def test_what_some_configuration_has_no_value_for_is_refused(expression: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words) as error:
        _space(d=expression).validate("s")
    assert error.value.field == "s.derived_parameters[0].expression"


def test_a_circle_over_others_a_name_twice_and_too_many_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="a → b → a"):
        _space(a="b + 1", b="a + 1").validate("s")
    with pytest.raises(InvalidArgument, match="must be unique") as error:
        _space(lr="accumulate * 2").validate("s")
    assert error.value.field == "s.derived_parameters[0].name"
    with pytest.raises(InvalidArgument, match="at most 32"):
        _space(**{f"d{index}": "1" for index in range(33)}).validate("s")


def test_values_may_come_with_a_configuration_and_must_be_what_is_computed() -> None:
    space = _space(global_batch="batch_size * accumulate", damp="1 - momentum")
    given = {**_CONFIGURATION, "global_batch": 128.0, "damp": 0.25}
    assert space.normalize(given, field="p") == _CONFIGURATION
    for name, value, words in (
        ("global_batch", 127, "batch_size \\* accumulate is 128, got 127"),
        ("global_batch", "128", "is 128"),
        ("damp", True, "is 0.25"),
    ):
        with pytest.raises(InvalidArgument, match=words) as error:
            space.normalize({**given, name: value}, field="p")
        assert error.value.field == f"p[{name}]"
    adam = {name: value for name, value in given.items() if name != "momentum"} | {"opt": "adam", "beta": 0.5}
    with pytest.raises(InvalidArgument, match="has no value here"):
        space.normalize(adam, field="p")


def test_spaces_that_are_not_valid_yet_can_be_made() -> None:
    """Reading a message makes a space before anything of it is checked."""
    bad = (
        Parameter(name="x", domain=DiscreteDomain(values=()), condition=Condition(parent="x", values=(1,))),
        Parameter(name="y", domain=FloatDomain(min=math.nan, max=math.inf)),
    )
    space = SearchSpace(parameters=bad, derived=(DerivedParameter(name="x", expression="y / x + ("),))
    with pytest.raises(InvalidArgument):
        space.validate("s")
    assert space.derive({"x": 1, "y": 2}) == {}


_LEAVES = st.sampled_from(["a", "b", "n", "2", "0.5", "-3"])
_EXPRESSIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "**"]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        st.tuples(st.sampled_from(["abs", "ceil", "floor", "round", "exp", "log", "sqrt"]), inner).map(
            lambda parts: f"{parts[0]}({parts[1]})"
        ),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
            lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"
        ),
    ),
    max_leaves=6,
)


@given(
    text=_EXPRESSIONS,
    a=st.floats(min_value=-4, max_value=9),
    b=st.floats(min_value=0.5, max_value=3),
    n=st.integers(min_value=-2, max_value=5),
)
def test_a_range_holds_every_value_and_where_there_is_one_there_is_a_value(
    text: str, a: float, b: float, n: int
) -> None:
    tree = parse_expression(text)
    ranges = {
        "a": Range(-4.0, 9.0, whole=False),
        "b": Range(0.5, 3.0, whole=False),
        "n": Range(-2, 5, whole=True),
    }
    try:
        found = range_of(tree, ranges)
    except ExpressionError:
        assume(False)
        raise
    value = value_of(tree, {"a": a, "b": b, "n": n})
    slack = 1e-9 * max(1.0, abs(found.low), abs(found.high))
    assert found.low - slack <= value <= found.high + slack
    assert not found.whole or isinstance(value, int)
