"""Linear constraints on parameters: how they read, what keeps them, how many configurations do, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.linear import LinearConstraint
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    Scale,
    SearchSpace,
)
from tests.support.strategies import constrained_spaces

UNIT = FloatDomain(min=0.0, max=1.0)
TEN = IntDomain(min=0, max=9)
OPT = CategoricalDomain(values=("sgd", "adam", "none"))
ADAM = Condition(parent="opt", values=("adam",))


def _space(
    domains: Mapping[str, Domain],
    constraints: Sequence[str],
    *,
    conditions: Mapping[str, Condition] | None = None,
    defaults: Mapping[str, ParameterValue] | None = None,
) -> SearchSpace:
    return SearchSpace(
        parameters=tuple(
            Parameter(
                name=name, domain=domain, condition=(conditions or {}).get(name), default=(defaults or {}).get(name)
            )
            for name, domain in domains.items()
        ),
        parameter_constraints=tuple(read_constraint(text, field="constraint") for text in constraints),
    )


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a + 2*b<=10", "a + 2*b <= 10"),
        ("low <= high", "low <= high"),
        ("a - b <= 3", "a <= b + 3"),
        ("-a <= 5", "a >= -5"),
        ("10 >= -(a - 4)*2", "2*a >= -2"),
        ("(a + b)/4 - 0.1*b >= c - 4", "0.25*a + 0.15*b >= c - 4"),
        ("0.1*a + 0.2*a <= 1e-3", "0.3*a <= 0.001"),
        ("`batch-size`*2 + optimizer.lr <= 1e20", "2*`batch-size` + optimizer.lr <= 1e+20"),
    ],
)
def test_the_canonical_text(text: str, canonical: str) -> None:
    constraint = read_constraint(text, field="f")
    assert str(constraint) == canonical
    assert read_constraint(canonical, field="f") == constraint


@given(
    terms=st.dictionaries(
        st.sampled_from(["a", "b", "c-d", "e.f"]),
        st.floats(-1e6, 1e6).filter(lambda number: abs(number) > 1e-6),
        min_size=1,
    ),
    bound=st.floats(-1e9, 1e9),
    sign=st.sampled_from(["<=", ">="]),
)
def test_every_text_reads_back_as_the_same_constraint(terms: Mapping[str, float], bound: float, sign: str) -> None:
    written = " + ".join(f"{coefficient!r}*`{name}`" for name, coefficient in terms.items())
    constraint = read_constraint(f"{written} {sign} {bound!r}", field="f")
    assert read_constraint(str(constraint), field="f") == constraint
    values = dict.fromkeys(terms, 1.0)
    total = sum(terms.values())
    if abs(total - bound) > 1e-3:
        assert constraint.keeps(values) == (total < bound if sign == "<=" else total > bound)


@pytest.mark.parametrize(
    ("text", "character", "words"),
    [
        ("a*b <= 1", 2, "a product of parameters is not linear"),
        ("a**2 <= 1", 2, r"\*\* is not linear"),
        ("1/a <= 1", 2, "a division by a parameter is not linear"),
        ("max(a, b) <= 1", 1, r"max\(…\) is not linear"),
        ("a/(1 - 1) <= 1", 2, "must not divide by 0"),
        ("a == b", 3, "must be <= or >=: an equality leaves next to nothing"),
        ("a < b", 3, "must be <=: a strict bound"),
        ("0 <= a <= 1", 8, "two sides only"),
        ("a - a <= 1", 7, "a parameter that counts"),
        ("a + x <= 1", 5, "the space has no parameter 'x'; it has 'a', 'b'"),
        ("a + ", 5, "got the end"),
        ("a*1e200*1e200 <= 1", 15, "a double can hold"),
    ],
)
def test_what_is_no_linear_constraint_is_refused_with_its_place(text: str, character: int, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words) as refused:
        read_constraint(text, field="space.parameter_constraints[3]", names={"a", "b"})
    assert refused.value.field == "space.parameter_constraints[3]"
    assert refused.value.metadata["character"] == str(character)
    assert f"(at character {character})" in refused.value.message


def test_a_sum_that_lands_on_its_bound_by_rounding_is_kept() -> None:
    constraint = read_constraint("a + b <= 0.3", field="f")
    assert 0.1 + 0.2 > 0.3
    assert constraint.keeps({"a": 0.1, "b": 0.2})
    assert not constraint.keeps({"a": 0.1, "b": 0.200000001})


def test_a_configuration_that_breaks_a_constraint_is_refused_by_name() -> None:
    space = _space({"a": TEN, "b": TEN, "c": UNIT}, ["a + 2*b <= 10"])
    space.validate("space")
    assert space.normalize({"a": 4, "b": 3, "c": 1.0}, field="p") == {"a": 4, "b": 3, "c": 1.0}
    with pytest.raises(InvalidArgument, match=r"p: must keep a \+ 2\*b <= 10, got a = 5, b = 3") as refused:
        space.normalize({"a": 5, "b": 3, "c": 1.0}, field="p")
    assert refused.value.reason is ErrorReason.VALUE_OUTSIDE_SPACE
    assert refused.value.metadata["parameter_constraint"] == "a + 2*b <= 10"


def test_a_constraint_applies_where_all_of_its_parameters_exist() -> None:
    space = _space({"opt": OPT, "a": UNIT, "b": UNIT}, ["a + b <= 1"], conditions={"b": ADAM})
    space.validate("space")
    space.normalize({"opt": "sgd", "a": 1.0}, field="p")
    with pytest.raises(InvalidArgument, match="must keep"):
        space.normalize({"opt": "adam", "a": 1.0, "b": 0.5}, field="p")


@settings(max_examples=40)
@given(space=constrained_spaces(finite_only=True))
def test_the_count_is_that_of_a_list(space: SearchSpace) -> None:
    axes = [[*parameter.domain.levels(), *([None] if parameter.condition else [])] for parameter in space.parameters]
    count = 0
    for values in itertools.product(*axes):
        try:
            space.normalize(
                {name: value for name, value in zip(space.names, values, strict=True) if value is not None}, field="p"
            )
        except InvalidArgument:
            continue
        count += 1
    assert space.cardinality == count > 0


def test_counts_beyond_a_list() -> None:
    wide = {name: IntDomain(min=0, max=50) for name in "abcdef"}
    assert _space(wide, ["a + b + c + d + e + f <= 3"]).cardinality == 84
    assert _space({**wide, "free": IntDomain(min=1, max=1000)}, ["a + b <= 1"]).cardinality == 3 * 51**4 * 1000
    assert _space({"n": IntDomain(min=1, max=90_000)}, ["n <= 10"]).cardinality == 10
    assert _space(wide, ["a + b + c + d + e + f <= 150"]).cardinality is None  # too many to list: never exhausted
    assert _space({"a": TEN, "x": UNIT}, ["a <= 3"]).cardinality is None


@pytest.mark.parametrize(
    ("space", "field", "words"),
    [
        (_space({"a": UNIT, "b": UNIT}, ["a <= b"] * 33), "", "must hold at most 32 constraints, got 33"),
        (_space({"a": UNIT}, ["a + x <= 1"]), "[0]", "no parameter 'x'"),
        (_space({"a": UNIT, "opt": OPT}, ["a + opt <= 1"]), "[0]", "numbers, and 'opt' is categorical"),
        (_space({"a": UNIT, "flag": BoolDomain()}, ["a <= flag"]), "[0]", "numbers, and 'flag' is a bool"),
        (_space({"a": UNIT, "b": UNIT}, ["a <= b", "a + b >= 3"]), "[1]", "no values keep .* missed by 1"),
        (
            _space({"a": UNIT, "b": UNIT}, ["a + b <= 1"], defaults={"a": 0.9, "b": 0.3}),
            "[0]",
            "the defaults do not keep a . b <= 1: a = 0.9, b = 0.3",
        ),
        (
            _space(
                {"opt": OPT, "a": UNIT, "b": UNIT},
                ["a <= b"],
                conditions={"a": ADAM, "b": Condition(parent="opt", values=("sgd", "none"))},
            ),
            "[0]",
            "never apply: 'a' and 'b' never exist together",
        ),
        (
            _space({"a": UNIT, "b": UNIT, "c": UNIT}, ["c <= a", "a + b <= 1", "a >= 0.8", "b >= 0.7"]),
            "",
            "no values of the parameters keep 'a . b <= 1', 'a >= 0.8' and 'b >= 0.7' together",
        ),
        (
            _space({"a": TEN, "b": TEN}, ["2*a <= 2*b + 1", "2*a >= 2*b + 1"]),
            "",
            "no values of the parameters keep .* together",
        ),
        (
            _space({"a": DiscreteDomain(values=(1, 4, 9)), "b": TEN}, ["a >= 2", "a <= 3"]),
            "",
            "no values of the parameters keep 'a >= 2' and 'a <= 3' together",
        ),
        (_space({"a": UNIT, "b": UNIT}, ["a <= b", "b <= a"]), "", "leave less than 1e-06 .* as an equality does"),
        (_space({"a": UNIT, "b": UNIT}, ["a + b <= 0"]), "", "leaves less than 1e-06"),
        (
            _space({"opt": OPT, "a": UNIT, "x": UNIT}, ["a + x <= 1", "x >= 0.5", "a >= 0.7"], conditions={"a": ADAM}),
            "",
            "no configuration with 'a' keeps them",
        ),
    ],
)
def test_what_is_refused_of_a_space(space: SearchSpace, field: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words) as refused:
        space.validate("space")
    assert refused.value.field == f"space.parameter_constraints{field}"


@pytest.mark.parametrize(
    "space",
    [
        _space({"a": TEN, "b": TEN}, ["a + b <= 5", "a + b >= 5"]),  # of whole numbers an equality leaves some
        _space({"a": UNIT, "b": UNIT}, ["a - b <= 1e-5", "b - a <= 1e-5"]),
        _space({"lr": FloatDomain(min=1e-6, max=0.1, scale=Scale.LOG), "x": UNIT}, ["1000*lr + x <= 0.01"]),
        _space({"n": IntDomain(min=0, max=2**53), "x": UNIT}, ["n <= 1000*x"]),
        _space({f"p{place}": UNIT for place in range(100)}, [f"p{place} <= p{place + 1}" for place in range(32)]),
        # Either branch alone has room; a parent that is constrained itself has values of its own.
        _space(
            {"n": IntDomain(min=1, max=5), "a": UNIT, "b": UNIT},
            ["a + b <= 1", "n + a <= 4"],
            conditions={"a": Condition(parent="n", values=(1, 3)), "b": Condition(parent="n", values=(3,))},
        ),
    ],
)
def test_what_leaves_room_is_accepted(space: SearchSpace) -> None:
    space.validate("space")


def test_constraints_are_no_part_of_the_representation_of_a_space() -> None:
    """Digests of spaces without any are those of the servers before there were any."""
    space = _space({"a": UNIT, "b": UNIT}, ["a <= b"])
    assert repr(space) == repr(_space({"a": UNIT, "b": UNIT}, []))
    assert space != _space({"a": UNIT, "b": UNIT}, [])
    assert space.parameter_constraints == (LinearConstraint((("a", 1.0), ("b", -1.0)), 0.0),)
