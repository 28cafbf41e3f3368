"""Search spaces: what is allowed, how values are kept, how many there are."""

from __future__ import annotations

import dataclasses
import itertools
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.space import (
    ABSENT,
    DOMAIN_FIELDS,
    BoolDomain,
    CategoricalDomain,
    Configuration,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    Scale,
    SearchSpace,
    configuration_digest,
)
from tests.support.builders import a_space
from tests.support.strategies import configurations, domains, float_domains, spaces, values_of

NAN, INF = math.nan, math.inf
FIELD, FINITE = ErrorReason.INVALID_FIELD, ErrorReason.NOT_FINITE


@given(domains)
def test_what_the_strategies_draw_is_valid(domain: Domain) -> None:
    domain.validate("domain")


@pytest.mark.parametrize(
    ("domain", "field", "reason"),
    [
        (FloatDomain(min=NAN, max=1.0), "min", FINITE),
        (FloatDomain(min=-INF, max=1.0), "min", FINITE),
        (FloatDomain(min=0.0, max=INF), "max", FINITE),
        (FloatDomain(min=0.0, max=NAN), "max", FINITE),
        (FloatDomain(min=1.0, max=1.0), "max", FIELD),
        (FloatDomain(min=2.0, max=1.0), "max", FIELD),
        (FloatDomain(min=-1.7e308, max=1.7e308), "max", FIELD),
        (FloatDomain(min=0.0, max=1.0, scale=Scale.LOG), "min", FIELD),
        (FloatDomain(min=-1.0, max=1.0, scale=Scale.LOG), "min", FIELD),
        (FloatDomain(min=0.0, max=1.0, scale=Scale.REVERSE_LOG), "min", FIELD),
        (FloatDomain(min=0.0, max=1.0, step=0.0), "step", FIELD),
        (FloatDomain(min=0.0, max=1.0, step=-0.1), "step", FIELD),
        (FloatDomain(min=0.0, max=1.0, step=1.5), "step", FIELD),
        (FloatDomain(min=0.0, max=1.0, step=NAN), "step", FINITE),
        (FloatDomain(min=0.0, max=1.0, step=INF), "step", FINITE),
        (FloatDomain(min=0.0, max=1.0, step=1e-17), "step", FIELD),
        (FloatDomain(min=1e15, max=1e15 + 1, step=0.01), "step", FIELD),
        (IntDomain(min=3, max=3), "max", FIELD),
        (IntDomain(min=3, max=2), "max", FIELD),
        (IntDomain(min=0, max=8, scale=Scale.LOG), "min", FIELD),
        (IntDomain(min=1, max=8, scale=Scale.REVERSE_LOG), "scale", FIELD),
        (IntDomain(min=1, max=8, step=0), "step", FIELD),
        (IntDomain(min=1, max=8, step=-1), "step", FIELD),
        (IntDomain(min=1, max=8, step=8), "step", FIELD),
        (IntDomain(min=-(2**53) - 1, max=0), "min", FIELD),
        (IntDomain(min=0, max=2**53 + 1), "max", FIELD),
        (DiscreteDomain(values=()), "values", FIELD),
        (DiscreteDomain(values=(1,)), "values", FIELD),
        (DiscreteDomain(values=tuple(range(1001))), "values", FIELD),
        (DiscreteDomain(values=(1, 2.0)), "values", FIELD),
        (DiscreteDomain(values=(1, 1)), "values[1]", FIELD),
        (DiscreteDomain(values=(2, 1)), "values[1]", FIELD),
        (DiscreteDomain(values=(1.0, NAN)), "values[1]", FINITE),
        (DiscreteDomain(values=(-INF, 1.0)), "values[0]", FINITE),
        (DiscreteDomain(values=(1, 2**53 + 1)), "values[1]", FIELD),
        (CategoricalDomain(values=()), "values", FIELD),
        (CategoricalDomain(values=("a",)), "values", FIELD),
        (CategoricalDomain(values=tuple(map(str, range(1001)))), "values", FIELD),
        (CategoricalDomain(values=("a", "")), "values[1]", FIELD),
        (CategoricalDomain(values=("a", "b" * 257)), "values[1]", FIELD),
        (CategoricalDomain(values=("a", "b", "a")), "values[2]", FIELD),
    ],
)
def test_bad_domains_are_refused_by_field(domain: Domain, field: str, reason: ErrorReason) -> None:
    space = SearchSpace(parameters=(Parameter(name="x", domain=domain),))
    with pytest.raises(InvalidArgument) as caught:
        space.validate("study.search_space")
    kind = DOMAIN_FIELDS[type(domain)]
    assert caught.value.field == f"study.search_space.parameters[0].{kind}.{field}"
    assert caught.value.reason is reason


@pytest.mark.parametrize("name", ["", "1x", ".x", "x y", "x" * 129, "é", "x\n", "-x", "x:y"])
def test_bad_parameter_names_are_refused(name: str) -> None:
    space = SearchSpace(parameters=(Parameter(name=name, domain=BoolDomain()),))
    with pytest.raises(InvalidArgument) as caught:
        space.validate("space")
    assert caught.value.field == "space.parameters[0].name"


def test_parameter_names_are_unique() -> None:
    twice = Parameter(name="x", domain=BoolDomain())
    with pytest.raises(InvalidArgument, match="unique") as caught:
        SearchSpace(parameters=(twice, twice)).validate("space")
    assert caught.value.field == "space.parameters[1].name"


@pytest.mark.parametrize("count", [0, 101])
def test_a_space_has_1_to_100_parameters(count: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        _bools(count).validate("space")
    assert caught.value.field == "space.parameters"


@pytest.mark.parametrize("count", [1, 100])
def test_the_limits_themselves_are_allowed(count: int) -> None:
    _bools(count).validate("space")
    CategoricalDomain(values=tuple(map(str, range(1000)))).validate("domain")
    IntDomain(min=-(2**53), max=2**53).validate("domain")
    FloatDomain(min=0.0, max=1.0, step=1.0).validate("domain")


def test_a_default_outside_the_domain_is_refused() -> None:
    space = SearchSpace(parameters=(Parameter(name="x", domain=IntDomain(min=1, max=4), default=5),))
    with pytest.raises(InvalidArgument) as caught:
        space.validate("space")
    assert caught.value.field == "space.parameters[0].default_value"
    assert caught.value.reason is ErrorReason.VALUE_OUTSIDE_SPACE


@pytest.mark.parametrize(
    ("domain", "given_value", "kept"),
    [
        (FloatDomain(min=0.0, max=1.0), 1, 1.0),
        (FloatDomain(min=-1.0, max=1.0), -0.0, 0.0),
        (FloatDomain(min=0.0, max=1.0, step=0.1), 0.1 + 0.2, 0.3),
        (FloatDomain(min=0.0, max=1.0, step=0.1), 1, 1.0),
        (IntDomain(min=0, max=10, step=5), 10, 10),
        (DiscreteDomain(values=(4, 8)), 8, 8),
        (DiscreteDomain(values=(0.1, 1.0)), 1, 1.0),
        (CategoricalDomain(values=("a", "b")), "b", "b"),
        (BoolDomain(), False, False),
    ],
)
def test_values_are_kept_in_the_kind_of_their_domain(
    domain: Domain, given_value: ParameterValue, kept: ParameterValue
) -> None:
    value = domain.normalize(given_value)
    assert (value, type(value), str(value)) == (kept, type(kept), str(kept))


@pytest.mark.parametrize(
    ("domain", "value"),
    [
        (FloatDomain(min=0.0, max=1.0), 1.0000001),
        (FloatDomain(min=0.0, max=1.0), NAN),
        (FloatDomain(min=0.0, max=1.0), INF),
        (FloatDomain(min=0.0, max=1.0), True),
        (FloatDomain(min=0.0, max=1.0), "0.5"),
        (FloatDomain(min=0.0, max=1.0, step=0.1), 0.15),
        (IntDomain(min=0, max=10), 1.0),
        (IntDomain(min=0, max=10), True),
        (IntDomain(min=0, max=10), 11),
        (IntDomain(min=0, max=10), -1),
        (IntDomain(min=0, max=10, step=5), 4),
        (DiscreteDomain(values=(4, 8)), 8.0),
        (DiscreteDomain(values=(0, 1)), True),
        (DiscreteDomain(values=(0.5, 1.0)), 0.75),
        (DiscreteDomain(values=(0.5, 1.0)), NAN),
        (CategoricalDomain(values=("a", "b")), "c"),
        (CategoricalDomain(values=("0", "1")), 1),
        (BoolDomain(), 1),
        (BoolDomain(), "true"),
    ],
)
def test_values_outside_a_domain_are_refused(domain: Domain, value: ParameterValue) -> None:
    with pytest.raises(ValueError, match="must be"):
        domain.normalize(value)


@pytest.mark.parametrize(
    ("domain", "value", "complaint"),
    [
        (IntDomain(min=0, max=10), "5", "must be an int (int_value), got the string '5' (string_value)"),
        (IntDomain(min=0, max=10), 5.0, "must be an int (int_value), got the float 5.0 (double_value)"),
        (DiscreteDomain(values=(4, 8)), "8", "must be an int (int_value), got the string '8' (string_value)"),
        (FloatDomain(min=0.0, max=1.0), "0.5", "must be a number (double_value), got the string '0.5' (string_value)"),
        (CategoricalDomain(values=("0", "1")), 1, "must be a string (string_value), got the int 1 (int_value)"),
        (BoolDomain(), "true", "must be true or false (bool_value), got the string 'true' (string_value)"),
        (IntDomain(min=0, max=10), True, "must be an int (int_value), got the bool true (bool_value)"),
    ],
)
def test_a_value_of_another_kind_is_named_with_its_kind(domain: Domain, value: ParameterValue, complaint: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        domain.normalize(value)
    assert str(caught.value) == complaint


@given(st.data(), domains)
def test_normalize_keeps_what_a_domain_has(data: st.DataObject, domain: Domain) -> None:
    value = data.draw(values_of(domain))
    kept = domain.normalize(value)
    assert (kept, type(kept)) == (value, type(value))


def test_tenths_are_the_numbers_a_person_writes() -> None:
    assert FloatDomain(min=0.0, max=1.0, step=0.1).levels() == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


@given(float_domains(stepped=True))
def test_steps_rise_from_min_and_stay_in_the_range(domain: FloatDomain) -> None:
    levels = domain.levels()
    assert len(levels) == domain.cardinality
    assert levels[0] == domain.min
    assert all(low < high for low, high in itertools.pairwise(levels))
    assert levels[-1] <= domain.max
    assert [domain.normalize(level) for level in levels] == levels


@given(st.integers(-1000, 1000), st.integers(1, 1000), st.integers(1, 200), st.sampled_from([1, 10, 100, 1000]))
def test_decimal_steps_hit_decimal_numbers(low: int, step: int, count: int, denominator: int) -> None:
    high = (low + count * step) / denominator
    domain = FloatDomain(min=low / denominator, max=high, step=step / denominator)
    domain.validate("domain")
    assert domain.levels() == [(low + index * step) / denominator for index in range(count + 1)]


@given(st.floats(-10, 10), st.floats(0.1, 10), st.integers(1, 50))
def test_a_computed_step_reaches_the_end(low: float, width: float, count: int) -> None:
    high = low + width
    domain = FloatDomain(min=low, max=high, step=(high - low) / count)
    domain.validate("domain")
    assert domain.cardinality == count + 1
    assert domain.normalize(high) == pytest.approx(high, rel=1e-12)


def test_the_end_of_a_range_is_no_value_unless_steps_reach_it() -> None:
    with pytest.raises(ValueError, match="multiple"):
        FloatDomain(min=0.0, max=1.0, step=0.6).normalize(1.0)


@given(spaces())
def test_a_valid_space_is_valid(space: SearchSpace) -> None:
    space.validate("space")


@pytest.mark.parametrize(
    ("domain", "count"),
    [
        (FloatDomain(min=0.0, max=1.0), None),
        (FloatDomain(min=0.0, max=1.0, step=0.3), 4),
        (IntDomain(min=1, max=8), 8),
        (IntDomain(min=1, max=8, step=3), 3),
        (DiscreteDomain(values=(1, 2, 4)), 3),
        (CategoricalDomain(values=("a", "b")), 2),
        (BoolDomain(), 2),
    ],
)
def test_cardinality_of_domains(domain: Domain, count: int | None) -> None:
    assert domain.cardinality == count


def test_cardinality_of_spaces_is_the_product() -> None:
    assert a_space().cardinality is None
    assert _bools(10).cardinality == 1024
    assert _bools(100).cardinality == 2**100


@given(st.data(), spaces())
def test_a_configuration_survives_normalize(data: st.DataObject, space: SearchSpace) -> None:
    configuration = data.draw(configurations(space))
    backwards = dict(reversed(list(configuration.items())))
    kept = space.normalize(backwards, field="parameters")
    assert kept == configuration
    assert list(kept) == [parameter.name for parameter in space.parameters]


@pytest.mark.parametrize(
    ("configuration", "parameter", "message"),
    [
        ({"lr": 0.5, "layers": 2}, "bias", "is missing"),
        ({"lr": 0.5, "bias": True}, "layers", "is missing"),
        ({"lr": 0.5, "layers": 2, "bias": True, "momentum": 0.9}, "momentum", "no such parameter"),
        ({"lr": 2.0, "layers": 2, "bias": True}, "lr", "must be in"),
        ({"lr": 0.5, "layers": "two", "bias": True}, "layers", "must be an int"),
        ({"x" * 10_000: 1}, "x" * 125 + "...", "no such parameter"),
    ],
)
def test_bad_configurations_name_the_parameter(configuration: Configuration, parameter: str, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        a_space().normalize(configuration, field="trials[3].parameters")
    assert caught.value.field == f"trials[3].parameters[{parameter}]"
    assert caught.value.reason is ErrorReason.VALUE_OUTSIDE_SPACE
    assert caught.value.metadata["parameter"] == parameter


def test_defaults_fill_in_only_when_asked_for() -> None:
    kept = a_space().normalize({"lr": 0.5, "bias": True}, field="parameters", fill_defaults=True)
    assert kept == {"lr": 0.5, "layers": 2, "bias": True}
    with pytest.raises(InvalidArgument, match=r"parameters\[bias\]: is missing"):
        a_space().normalize({"lr": 0.5}, field="parameters", fill_defaults=True)


@given(st.data(), spaces())
def test_a_key_leads_back_to_its_configuration(data: st.DataObject, space: SearchSpace) -> None:
    configuration = data.draw(configurations(space))
    shuffled = dict(data.draw(st.permutations(list(configuration.items()))))
    key = space.key(shuffled)
    assert key == space.key(configuration) == tuple(configuration[name] for name in space.names)
    again = space.configuration(key)
    assert list(again.items()) == [(name, configuration[name]) for name in space.names]


@given(st.data(), spaces())
def test_different_configurations_have_different_keys(data: st.DataObject, space: SearchSpace) -> None:
    one, other = data.draw(configurations(space)), data.draw(configurations(space))
    assert (space.key(one) == space.key(other)) == (one == other)


def test_a_parameter_that_a_configuration_does_not_have_is_absent_from_both() -> None:
    space = a_space()
    partial: Configuration = {"lr": 0.5, "bias": True}
    key = space.key(partial)
    assert key == (0.5, ABSENT, True)
    assert space.configuration(key) == partial
    again = pickle.loads(pickle.dumps(key))
    assert again == key
    assert hash(again) == hash(key)
    assert len({key, again, space.key({**partial, "layers": 2})}) == 2


def test_a_key_of_another_space_has_no_configuration() -> None:
    with pytest.raises(ValueError):
        a_space().configuration((0.5, 2))


def test_a_space_keeps_its_names_wherever_it_goes() -> None:
    space = a_space()
    assert pickle.loads(pickle.dumps(space)) == space
    assert pickle.loads(pickle.dumps(space)).names == space.names == ("lr", "layers", "bias")
    assert dataclasses.replace(space, parameters=space.parameters[:2]).names == ("lr", "layers")


@given(st.data(), spaces())
def test_the_digest_does_not_depend_on_order(data: st.DataObject, space: SearchSpace) -> None:
    configuration = data.draw(configurations(space))
    shuffled = dict(data.draw(st.permutations(list(configuration.items()))))
    assert configuration_digest(shuffled) == configuration_digest(configuration)


@given(st.data(), spaces())
def test_different_configurations_have_different_digests(data: st.DataObject, space: SearchSpace) -> None:
    one, other = data.draw(configurations(space)), data.draw(configurations(space))
    assert (configuration_digest(one) == configuration_digest(other)) == (one == other)


def test_the_digest_tells_kinds_apart() -> None:
    values: list[ParameterValue] = [1, 1.0, True, "1", "True", "1.0"]
    assert len({configuration_digest({"x": value}) for value in values}) == len(values)


def test_the_digest_tells_names_from_values() -> None:
    pairs: list[Configuration] = [{"a": "b", "c": "d"}, {"a": "b\0c", "d": ""}, {"a": "d", "c": "b"}, {"a": "bcd"}]
    assert len({configuration_digest(pair) for pair in pairs}) == len(pairs)


def _bools(count: int) -> SearchSpace:
    return SearchSpace(parameters=tuple(Parameter(name=f"p{index}", domain=BoolDomain()) for index in range(count)))
